/** What one has read, in the chat and in Matrix. */
import { expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { type Room, type User, userActor, userKey } from "../../../src/domain/model.ts";
import { faulty, refusal } from "../faulty.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { describeBridge, type Meeting, until, type World } from "../world.ts";

interface SyncedRoom {
  unread_notifications?: { notification_count?: number; highlight_count?: number };
  account_data?: { events: { type: string; content: Record<string, unknown> }[] };
  ephemeral?: { events: { type: string; content: Record<string, Record<string, object>> }[] };
}

async function synced(client: MatrixUser, matrixRoom: string): Promise<SyncedRoom> {
  const { rooms } = await client.ask<{ rooms?: { join?: Record<string, SyncedRoom> } }>(
    "GET",
    "sync?timeout=0",
  );
  return rooms?.join?.[matrixRoom] ?? {};
}

const inMatrix = async (client: MatrixUser, matrixRoom: string) =>
  (await synced(client, matrixRoom)).unread_notifications?.notification_count;

/** Who has a receipt at an event, by the kind of it. */
async function receiptsAt(client: MatrixUser, matrixRoom: string, eventId: string) {
  const { ephemeral } = await synced(client, matrixRoom);
  const kinds = ephemeral?.events.find(({ type }) => type === "m.receipt")?.content[eventId] ?? {};
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, readers]) => [kind, Object.keys(readers).sort()]),
  );
}

const lastEvent = async (client: MatrixUser, matrixRoom: string) =>
  (await client.timeline(matrixRoom)).filter(({ type }) => type === "m.room.message").at(-1)?.event_id ?? "";

async function unread(world: World, room: Room, user: User): Promise<number> {
  const [state] = await world.store.log.unread(room.id, [userKey(user.id)]);
  return state?.unread ?? -1;
}

/** Somebody is signed in to the ghost, as after Login. */
const activate = (world: World, user: User) => createBridgeStore(world.store.sql).markMatrixAccount(user.id);

/** Ada, who has a Matrix client and has read all, and Ben. */
async function readingMeeting(world: World): Promise<Meeting> {
  const meeting = await world.meeting();
  await activate(world, meeting.ada);
  return meeting;
}

const readAll = async (world: World, room: Room, user: User) => {
  const [head] = await world.store.log.heads([room.id]);
  await world.useCases.messages.markRead(userActor(user), room.token, head?.head ?? 0);
};
const readInMatrix = (client: MatrixUser, matrixRoom: string, eventId: string) =>
  client.ask(
    "POST",
    `rooms/${encodeURIComponent(matrixRoom)}/receipt/m.read/${encodeURIComponent(eventId)}`,
    {},
  );

describeBridge("what one has read", (world) => {
  test("one person's unread agrees on both sides, whichever they read on", async () => {
    const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
    for (const n of [1, 2, 3]) await world.say(ben, room, `message ${n}`);
    await until("Matrix counts three", async () => (await inMatrix(client, matrixRoom)) === 3);
    await readAll(world, room, ada);
    await until("Matrix counts none", async () => (await inMatrix(client, matrixRoom)) === 0);
    const third = await lastEvent(client, matrixRoom);
    const marker = (await synced(client, matrixRoom)).account_data?.events.find(
      ({ type }) => type === "m.fully_read",
    );
    expect(marker?.content).toEqual({ event_id: third });
    expect(await receiptsAt(client, matrixRoom, third)).toMatchObject({
      "m.read": expect.arrayContaining([world.ghosts.ofUser(ada.id)]) as string[],
    });

    for (const n of [4, 5]) await world.say(ben, room, `message ${n}`);
    await until("Matrix counts two", async () => (await inMatrix(client, matrixRoom)) === 2);
    expect(await unread(world, room, ada)).toBe(2);
    await readInMatrix(client, matrixRoom, await lastEvent(client, matrixRoom));
    await until("the chat counts none", async () => (await unread(world, room, ada)) === 0);
    expect(await inMatrix(client, matrixRoom)).toBe(0);
  });

  test("who writes in the chat has read what was there, in Matrix too", async () => {
    const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
    await world.say(ben, room, "hello");
    await until("Matrix counts one", async () => (await inMatrix(client, matrixRoom)) === 1);
    await world.say(ada, room, "hello to you");
    await until("Matrix counts none", async () => (await inMatrix(client, matrixRoom)) === 0);
    const mine = await lastEvent(client, matrixRoom);
    await until("Ada's receipt is at her own message", async () =>
      (await receiptsAt(client, matrixRoom, mine))["m.read"]?.includes(world.ghosts.ofUser(ada.id)),
    );
  });

  test("a receipt at an event that the chat does not have counts for what stands before it", async () => {
    const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
    await world.say(ben, room, "hello");
    await world.mirrored(room);
    const topic = `rooms/${encodeURIComponent(matrixRoom)}/state/m.room.topic`;
    const { event_id: id } = await world.bot.ask<{ event_id: string }>("PUT", topic, {
      topic: "Nothing new",
    });
    await readInMatrix(client, matrixRoom, id);
    await until("the chat counts none", async () => (await unread(world, room, ada)) === 0);
  });

  test("who tells nobody what they read has their own counts right, and tells nobody", async () => {
    const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
    await activate(world, ben);
    const bensClient = await world.signIn(ben);
    await bensClient.join(matrixRoom);
    await world.useCases.ownProfile.change(userActor(ada), { privacy: { receipts: "nobody" } });
    await world.say(ben, room, "hello");
    await until("Matrix counts one", async () => (await inMatrix(client, matrixRoom)) === 1);
    const { receiptsSent } = world.bridge.stats();
    await readAll(world, room, ada);
    await until("Matrix counts none", async () => (await inMatrix(client, matrixRoom)) === 0);
    const event = await lastEvent(client, matrixRoom);
    const me = world.ghosts.ofUser(ada.id);
    expect((await receiptsAt(client, matrixRoom, event))["m.read.private"]).toEqual([me]);
    expect(JSON.stringify(await receiptsAt(bensClient, matrixRoom, event))).not.toContain(me);
    expect(world.bridge.stats().receiptsSent).toBeGreaterThan(receiptsSent);
  });

  test("a marker that moves often is a receipt a second, and two workers send it once", async () => {
    const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
    const first = world.bridge;
    const second = await world.startBridge({ node: "worker-2" });
    await until("the second worker is up", async () => (await second.health()).ok);
    const seqs: number[] = [];
    for (let n = 0; n < 20; n++) seqs.push(await world.say(ben, room, `message ${n}`));
    await world.mirrored(room);
    await until("Matrix counts all", async () => (await inMatrix(client, matrixRoom)) === 20);
    await until("Ben has read what he wrote", async () => {
      const readers = await receiptsAt(client, matrixRoom, await lastEvent(client, matrixRoom));
      return readers["m.read"]?.includes(world.ghosts.ofUser(ben.id));
    });
    const sent = () => first.stats().receiptsSent + second.stats().receiptsSent;
    const before = sent();
    const from = performance.now();
    for (const seq of seqs) await world.useCases.messages.markRead(userActor(ada), room.token, seq);
    await until("Matrix counts none", async () => (await inMatrix(client, matrixRoom)) === 0);
    // A receipt is counted when its answer is here; Matrix may show it before.
    await until("it is counted", async () => sent() > before);
    // Each worker may begin a second of its own.
    expect(sent() - before).toBeLessThanOrEqual(2 * (Math.ceil((performance.now() - from) / 1_000) + 1));
    world.bridge = first;
    await second.stop();
  });

  test("a receipt that the homeserver can't take now is said again", async () => {
    const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
    let failures = 0;
    const homeserver = faulty(world.homeserver, async (_, path, ask) => {
      if (path.endsWith("/read_markers") && failures++ < 2) throw refusal(500, "M_UNKNOWN");
      return await ask();
    });
    await world.bridge.stop();
    await world.startBridge({ homeserver });
    await world.say(ben, room, "hello");
    await world.mirrored(room);
    await readAll(world, room, ada);
    await until("Matrix counts none", async () => (await inMatrix(client, matrixRoom)) === 0);
    const both = [ada, ben].map(({ id }) => world.ghosts.ofUser(id)).sort();
    await until("both have a receipt", async () => {
      const readers = await receiptsAt(client, matrixRoom, await lastEvent(client, matrixRoom));
      return readers["m.read"]?.join() === both.join();
    });
    expect(failures).toBeGreaterThanOrEqual(4);
    await world.bridge.stop();
    await world.startBridge();
  });

  test("the echo of an own receipt moves nothing, and what was said as one that is none is passed over", async () => {
    const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
    const seq = await world.say(ben, room, "hello");
    await world.say(ben, room, "hello again");
    await world.mirrored(room);
    const { receiptsApplied } = world.bridge.stats();
    await world.useCases.messages.markRead(userActor(ada), room.token, seq);
    await until("Matrix counts one", async () => (await inMatrix(client, matrixRoom)) === 1);
    const me = world.ghosts.ofUser(ada.id);
    const [hello] = (await client.timeline(matrixRoom)).filter(({ type }) => type === "m.room.message");
    const receipt = (content: unknown) => ({ type: "m.receipt", room_id: matrixRoom, content });
    const ephemeral = [
      null,
      "m.receipt",
      receipt(null),
      receipt({ $x: null, $y: { "m.read": [] }, "$\0": { "m.read": { [me]: {} } } }),
      receipt({ [`$${"x".repeat(300)}`]: { "m.read": { [me]: {} } } }),
      receipt({ [hello?.event_id ?? ""]: { "m.read": { [me]: { ts: 1 } } } }),
      receipt({ [await lastEvent(client, matrixRoom)]: { "m.read": { [me]: { thread_id: "$other" } } } }),
    ];
    const answer = await world.door.open(
      new Request("http://bridge/_matrix/app/v1/transactions/junk", {
        method: "PUT",
        headers: { authorization: `Bearer ${world.registration.hsToken}` },
        body: JSON.stringify({ events: [], ephemeral }),
      }),
    );
    expect(answer.status).toBe(200);
    // One that does move the marker, so that those before it were looked at.
    const {
      ben: other,
      room: otherRoom,
      matrixRoom: otherMatrixRoom,
      client: otherClient,
    } = await world.meeting();
    await world.say(other, otherRoom, "to be read");
    await world.mirrored(otherRoom);
    await readInMatrix(otherClient, otherMatrixRoom, await lastEvent(otherClient, otherMatrixRoom));
    await until("a receipt was applied", async () => world.bridge.stats().receiptsApplied > receiptsApplied);
    expect(world.bridge.stats().receiptsApplied).toBe(receiptsApplied + 1);
    expect(await unread(world, room, ada)).toBe(1);
  });

  test("what was read before somebody signed in to Matrix for the first time is read there", async () => {
    const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
    const room = await world.group([ada, ben]);
    await world.say(ada, room, "I am here");
    await world.say(ben, room, "hello");
    const matrixRoom = await world.mirrored(room);
    await readAll(world, room, ada);
    await activate(world, ada);
    const client = await world.signIn(ada);
    await until("Matrix counts none", async () => (await inMatrix(client, matrixRoom)) === 0);
    const readers = async () => await receiptsAt(client, matrixRoom, await lastEvent(client, matrixRoom));
    await until("Ada has read", async () =>
      (await readers())["m.read"]?.includes(world.ghosts.ofUser(ada.id)),
    );
  });
});

describeBridge(
  "a server that keeps to itself what was read",
  (world) => {
    test("sends no receipts, and takes none", async () => {
      const { ada, ben, room, matrixRoom, client } = await readingMeeting(world);
      await world.say(ben, room, "hello");
      await world.mirrored(room);
      await readInMatrix(client, matrixRoom, await lastEvent(client, matrixRoom));
      const { transactions } = world.bridge.stats();
      await readAll(world, room, ben);
      await client.say(matrixRoom, "something else");
      await world.untilSaid(room, "Ada: something else");
      await until("the homeserver delivered", async () => world.bridge.stats().transactions > transactions);
      expect(world.bridge.stats()).toMatchObject({ receiptsSent: 0, receiptsApplied: 0 });
      expect(await receiptsAt(client, matrixRoom, await lastEvent(client, matrixRoom))).toEqual({});
      expect(ada.id).not.toBe(ben.id);
    });
  },
  { receipts: false },
);
