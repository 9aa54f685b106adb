"""A client of Causeway's WebSocket protocol that loses nothing: it resumes, fills gaps, and sends again what was not answered.

    pip install websockets
    python3 client.py wss://chat.example.org/ws TOKEN

It writes a line of JSON for all that it shows, and reads lines like {"do": "send", "room": R, "id": ID, "text": T}.
"""
import asyncio, json, random, sys, websockets

def show(what, **fields):
    print(json.dumps({"show": what, **fields}), flush=True)

class Client:
    def __init__(self, url, token):
        self.url, self.token, self.ref = url, token, 0
        self.me = self.epoch = self.socket = None
        self.ready = False  # the session has begun
        self.places = {}    # room -> (seq, time) of the last event that was taken
        self.outbox = []    # messages that are not answered yet, in their order
        self.filling = {}   # ref of a question for history -> its room
        self.wait = None    # seconds until the next connection, where the server named them

    async def run(self):
        failures, delay, code = 0, 0, None
        while code is None or not 4500 <= code <= 4999:
            await asyncio.sleep(delay)
            self.wait, self.socket = None, None
            try:
                async with websockets.connect(self.url, subprotocols=["causeway.v1.json"], max_size=None) as self.socket:
                    rooms = {room: {"seq": seq, "at": at} for room, (seq, at) in self.places.items()}
                    resume = {"resume": {"epoch": self.epoch, "rooms": rooms}} if self.epoch else {}
                    await self.say("hello", token=self.token, **resume)
                    async for text in self.socket:
                        await self.take(json.loads(text))
            except (OSError, websockets.WebSocketException):
                pass  # the close code tells, where there is one
            failures = 0 if self.ready else failures + 1
            code, self.ready = self.socket and self.socket.close_code, False
            delay = random.uniform(0, min(30, 2**failures)) if self.wait is None else self.wait
        show("ended", code=code)

    async def say(self, op, **fields):
        self.ref += 1
        await self.socket.send(json.dumps({"op": op, "ref": self.ref, **fields}))
        return self.ref

    async def take(self, frame):
        """What it does not know it ignores."""
        if frame["op"] == "ready":
            await self.begin(frame)
        elif frame["op"] == "event":
            await self.event(frame)
        elif frame["op"] == "bye":
            self.wait = frame["reconnectMs"] / 1000
        elif frame["op"] in ("ok", "error") and self.ready:
            await self.answer(frame)
        elif frame["op"] == "error" and frame["retry"]:  # of hello: not now
            self.wait = frame.get("retryAfterMs", 1000) / 1000
            await self.socket.close()

    async def begin(self, ready):
        self.me, self.epoch, self.ready, self.filling = ready["user"]["id"], ready["epoch"], True, {}
        show("ready")
        proven = {proof["room"] for proof in ready.get("resumed", []) if proof["recovered"]}
        for entry in (entry for entry in ready["rooms"] if entry["room"] not in proven):
            if entry["room"] in self.places:
                show("reset", room=entry["room"], head=entry["head"])
            self.places[entry["room"]] = (entry["head"], entry["at"])
        for message in self.outbox:
            message["ref"] = await self.say("send", **message["fields"])
        self.beating = asyncio.create_task(self.beat(self.socket, ready["heartbeatMs"] / 2000))

    async def beat(self, socket, seconds):
        while socket is self.socket and self.ready:
            await self.say("ping")
            await asyncio.sleep(seconds)

    async def fill(self, room):
        self.filling[await self.say("history", room=room, after=self.places[room][0], limit=200)] = room

    async def event(self, event):
        room, seq, type, data = event["room"], event["seq"], event["type"], event["data"]
        last = self.places.get(room, (seq - 1, 0))[0]
        if seq > last + 1 and room not in self.filling.values():
            await self.fill(room)
        if seq != last + 1:
            return
        self.places[room] = (seq, event["at"])
        if type == "message":
            show("message", room=room, seq=seq, text=data["text"])
        if type == "room.deleted" or type == "member.left" and data["member"]["id"] == self.me:
            del self.places[room]

    async def answer(self, frame):
        is_ok, room = frame["op"] == "ok", self.filling.pop(frame["ref"], None)
        for event in frame["events"] if room and is_ok else []:
            await self.event(event)
        if room and is_ok and frame["more"]:
            await self.fill(room)
        for message in [message for message in self.outbox if message["ref"] == frame["ref"]]:
            if not is_ok and frame["retry"]:
                await asyncio.sleep(frame.get("retryAfterMs", 1000) / 1000)
                message["ref"] = await self.say("send", **message["fields"])
                continue
            self.outbox.remove(message)
            told = {"seq": frame["seq"]} if is_ok else {"code": frame["code"]}
            show("sent" if is_ok else "refused", id=message["fields"]["id"], **told)

    async def send(self, **fields):
        self.outbox.append(message := {"ref": None, "fields": fields})
        message["ref"] = await self.say("send", **fields) if self.ready else None

async def main():
    if len(sys.argv) != 3:
        sys.exit("usage: python3 client.py wss://HOST/ws TOKEN")
    client, loop = Client(*sys.argv[1:3]), asyncio.get_running_loop()
    running = asyncio.create_task(client.run())
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        await client.send(room=asked["room"], id=asked["id"], text=asked["text"])
    await running

asyncio.run(main())
