"""A Matrix client on matrix-nio, driven by JSON lines.

Standard input holds commands, each answered by one line with the same "ref":
  {"ref": 1, "op": "login", "homeserver": url, "user": name or Matrix id, "password": text}
  {"ref": 2, "op": "send", "room": room id, "text": text}
  {"ref": 3, "op": "rooms"}
  {"ref": 4, "op": "counts", "room": room id}
Between the answers come lines with an "event": "message" for every text in a room the client is in, "joined" for
every invitation it accepted. The end of standard input ends the client.
"""

import asyncio
import json
import sys

from nio import (
    AsyncClient,
    AsyncClientConfig,
    InviteMemberEvent,
    JoinResponse,
    LoginResponse,
    RoomMessageText,
    RoomSendResponse,
)

SYNC_TIMEOUT_MS = 10_000


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Session:
    """One signed-in client and its endless sync."""

    def __init__(self):
        self.client = None
        self.sync = None

    async def login(self, homeserver, user, password):
        config = AsyncClientConfig(encryption_enabled=False)
        self.client = AsyncClient(homeserver.rstrip("/"), user, config=config)
        answer = await self.client.login(password, device_name="nio client")
        if not isinstance(answer, LoginResponse):
            raise RuntimeError(str(answer))
        self.client.add_event_callback(self.on_message, RoomMessageText)
        self.client.add_event_callback(self.on_invite, InviteMemberEvent)
        self.sync = asyncio.create_task(self.client.sync_forever(timeout=SYNC_TIMEOUT_MS, full_state=True))
        await self.client.synced.wait()
        return {"userId": answer.user_id, "deviceId": answer.device_id}

    async def on_message(self, room, event):
        say(
            {
                "event": "message",
                "room": room.room_id,
                "sender": event.sender,
                "senderName": room.user_name(event.sender),
                "text": event.body,
                "eventId": event.event_id,
            }
        )

    async def on_invite(self, room, event):
        if event.state_key != self.client.user_id or event.membership != "invite":
            return
        answer = await self.client.join(room.room_id)
        if isinstance(answer, JoinResponse):
            say({"event": "joined", "room": room.room_id})

    async def send(self, room, text):
        content = {"msgtype": "m.text", "body": text}
        answer = await self.client.room_send(room, "m.room.message", content)
        if not isinstance(answer, RoomSendResponse):
            raise RuntimeError(str(answer))
        return {"eventId": answer.event_id}

    async def rooms(self):
        names = {room_id: room.display_name for room_id, room in self.client.rooms.items()}
        return {"rooms": names}

    async def counts(self, room):
        known = self.client.rooms.get(room)
        return {
            "notifications": known.unread_notifications if known else None,
            "highlights": known.unread_highlights if known else None,
        }

    async def close(self):
        if self.sync:
            self.sync.cancel()
        if self.client:
            await self.client.close()


async def obey(session, command):
    operations = {
        "login": session.login,
        "send": session.send,
        "rooms": session.rooms,
        "counts": session.counts,
    }
    ref = command.pop("ref")
    try:
        answer = await operations[command.pop("op")](**command)
        say({"ref": ref, "ok": True, **answer})
    except Exception as error:  # Whatever it is, the one who asked has to hear of it.
        say({"ref": ref, "ok": False, "error": f"{type(error).__name__}: {error}"})


async def main():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    session = Session()
    while line := await reader.readline():
        await obey(session, json.loads(line))
    await session.close()


asyncio.run(main())
