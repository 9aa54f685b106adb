/** Who types, in the chat and in Matrix. */
import { afterEach, expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { type Room, type User, userActor } from "../../../src/domain/model.ts";
import { channels } from "../../../src/domain/ports/bus.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { describeBridge, type Meeting, until } from "../world.ts";

interface Sync {
  next_batch: string;
  rooms?: {
    join?: Record<string, { ephemeral?: { events: { type: string; content: { user_ids: string[] } }[] } }>;
  };
}

describeBridge("who types", (world) => {
  const endings: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0)) await end();
  });

  /** What those who look at the room in the chat hear of who types, as `name on`. */
  async function listening(room: Room): Promise<string[]> {
    const heard: string[] = [];
    const channel = channels.room(room.id);
    const listen = (message: Uint8Array) => {
      for (const line of Buffer.from(message).toString().split("\n")) {
        const { op, actor, on } = JSON.parse(line) as { op: string; actor: { name: string }; on: boolean };
        if (op === "typing") heard.push(`${actor.name} ${on ? "on" : "off"}`);
      }
    };
    await world.bus.subscribe(channel, listen);
    endings.push(() => world.bus.unsubscribe(channel, listen));
    return heard;
  }

  /** Ada with a Matrix client, and Ben, whose ghost is in Matrix. */
  async function typists(): Promise<Meeting> {
    const meeting = await world.meeting();
    await createBridgeStore(world.store.sql).markMatrixAccount(meeting.ada.id);
    await world.say(meeting.ben, meeting.room, "hello");
    await world.mirrored(meeting.room);
    return meeting;
  }

  const type = (user: User, room: Room, on: boolean) =>
    world.useCases.presence.typing(userActor(user), room.token, on, `session of ${user.id}`);

  const typeInMatrix = (client: MatrixUser, matrixRoom: string, on: boolean) =>
    client.ask("PUT", `rooms/${encodeURIComponent(matrixRoom)}/typing/${encodeURIComponent(client.id)}`, {
      ...(on ? { typing: true, timeout: 30_000 } : { typing: false }),
    });

  test("in the chat is shown in Matrix until it ends, to whom it is news, and does not come back", async () => {
    const { ben, room, matrixRoom, client } = await typists();
    const heard = await listening(room);
    const shown = watch(client, matrixRoom);
    await type(ben, room, true);
    const bensId = world.ghosts.ofUser(ben.id);
    await until("Ada sees that Ben types", async () => (await shown()).includes(bensId));
    await type(ben, room, false);
    await until("Ada sees that Ben stopped", async () => !(await shown()).includes(bensId));
    // What Matrix says after it comes in order, so an echo would stand before it.
    await typeInMatrix(client, matrixRoom, true);
    await until("Ada types in the chat", async () => heard.includes("Ada on"));
    expect(heard).toEqual(["Ben on", "Ben off", "Ada on"]);
  });

  test("in Matrix is shown in the chat until it ends, of users and of people who are only there", async () => {
    const { room, matrixRoom, client } = await typists();
    const mel = await world.stranger();
    await world.bot.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
    await mel.join(matrixRoom);
    await mel.say(matrixRoom, "Mel is here");
    await until("Mel is a member", async () =>
      (await world.texts(room)).some((text) => text.endsWith("Mel is here")),
    );
    const heard = await listening(room);
    await typeInMatrix(client, matrixRoom, true);
    await until("Ada types", async () => heard.length === 1);
    await typeInMatrix(mel, matrixRoom, true);
    await until("Mel types, too", async () => heard.length === 2);
    await typeInMatrix(client, matrixRoom, false);
    await until("Ada stopped", async () => heard.length === 3);
    await typeInMatrix(mel, matrixRoom, false);
    await until("Mel stopped", async () => heard.length === 4);
    const [name] = mel.id.slice(1).split(":");
    expect(heard).toEqual(["Ada on", `${name} on`, "Ada off", `${name} off`]);
  });

  test("is passed over where it is no list of people in the room", async () => {
    const { room, matrixRoom, client } = await typists();
    const heard = await listening(room);
    const typing = (content: unknown, id = matrixRoom) => ({ type: "m.typing", room_id: id, content });
    const ephemeral = [
      typing(null),
      typing({}),
      typing({
        user_ids: [null, 7, "@\0:x", "@nobody:elsewhere", `@${"x".repeat(300)}:x`, world.ghosts.bot],
      }),
      typing({ user_ids: [client.id] }, "!elsewhere"),
    ];
    const answer = await world.door.open(
      new Request("http://bridge/_matrix/app/v1/transactions/junk", {
        method: "PUT",
        headers: { authorization: `Bearer ${world.registration.hsToken}` },
        body: JSON.stringify({ events: [], ephemeral }),
      }),
    );
    expect(answer.status).toBe(200);
    await typeInMatrix(client, matrixRoom, true);
    await until("Ada types", async () => heard.length > 0);
    expect(heard).toEqual(["Ada on"]);
  });
});

/** @returns who types in the room, as the client has it now */
function watch(client: MatrixUser, matrixRoom: string): () => Promise<string[]> {
  let since = "";
  let typing: string[] = [];
  return async () => {
    const sync = await client.ask<Sync>("GET", `sync?timeout=0${since && `&since=${since}`}`);
    since = sync.next_batch;
    const news = sync.rooms?.join?.[matrixRoom]?.ephemeral?.events.find(({ type }) => type === "m.typing");
    if (news) typing = news.content.user_ids;
    return typing;
  };
}
