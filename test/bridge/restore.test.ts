/** The chat's database is restored from a backup, and the homeserver keeps what came after it; or the other way round. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMarks } from "../../bridge/mapping/marks.ts";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import { userActor } from "../../src/domain/model.ts";
import { createLogger, type Logger } from "../../src/logger.ts";
import { openConnection, statementLanguage } from "../../src/store/sql/connection.ts";
import { createHosts } from "../../src/store/sql/hosts.ts";
import { createSql } from "../../src/store/sql/sql.ts";
import { describeWith } from "../services/need.ts";
import { type Meeting, openWorld, readRegistration, until, type World } from "./world.ts";

describeWith(["postgres", "synapse"], "a restore", ({ postgres, synapse }) => {
  let world = {} as World;
  let close = async () => {};

  async function open(): Promise<void> {
    world = {} as World;
    const registration = readRegistration(synapse.registration.path, synapse.registration.prefix);
    const parts = { databaseUrl: postgres.url, homeserverUrl: synapse.url, serverName: synapse.serverName };
    const more = { registration, registerUser: synapse.registerUser };
    close = await openWorld(world, { ...parts, ...more }, { scanMs: 200 });
  }
  beforeAll(open);
  afterAll(() => close());

  /** Copies a database, in place of one that may be there; nobody may be connected to either. */
  async function copy(from: string, to: string): Promise<void> {
    const url = new URL(postgres.url);
    url.pathname = "/postgres";
    const connection = openConnection({
      ...{ url: url.href, hosts: createHosts(1), settings: {}, prepare: false },
      silenceMs: 60_000,
    });
    const sql = createSql(statementLanguage(), connection.run);
    await sql`${sql.unsafe(`drop database if exists "${to}" with (force)`)}`;
    await sql`${sql.unsafe(`create database "${to}" template "${from}"`)}`;
    connection.close();
  }
  const database = () => new URL(postgres.url).pathname.slice(1);
  const bodies = async (matrixRoom: string) =>
    (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*: /, ""));

  describe("of the chat's database", () => {
    let meeting: Meeting;
    let unsent: Meeting;
    let answered: string;
    let before: string[];
    const id = randomUUID();

    /** One backup and one restore for all tests here: each has rooms of its own. */
    beforeAll(async () => {
      meeting = await world.meeting();
      unsent = await world.meeting();
      const { ada, ben, room, matrixRoom, client } = meeting;
      await world.say(ben, room, "one");
      await world.mirrored(room);
      const carl = await world.user("Carl");
      await world.bridge.stop();
      await world.say(unsent.ben, unsent.room, "in the backup, not yet in Matrix");
      await close();
      await copy(database(), `${database()}_backup`);

      await open();
      await world.mirrored(unsent.room);
      await world.useCases.messages.send(userActor(ben), room.token, { id, text: "two" });
      await world.mirrored(room);
      answered = await client.say(matrixRoom, "from Matrix");
      await world.untilSaid(room, "Ada: from Matrix");
      await world.useCases.roomLifecycle.addMembers(userActor(ada), room.token, [
        { member: userActor(carl), role: "user" },
      ]);
      await world.say(carl, room, "a member since the backup");
      await world.say(ben, room, "three");
      await world.mirrored(room);
      // Dora is a user since the backup, and a member.
      const dora = await world.user("Dora");
      await world.useCases.roomLifecycle.addMembers(userActor(ada), room.token, [
        { member: userActor(dora), role: "user" },
      ]);
      await world.mirrored(room);
      const doraClient = await world.signIn(dora);
      await doraClient.join(matrixRoom);
      await doraClient.say(matrixRoom, "a user since the backup");
      await world.untilSaid(room, "Dora: a user since the backup");
      before = await bodies(matrixRoom);
      await close();
      await copy(`${database()}_backup`, database());
      await open();
    }, 120_000);

    test("messages of after the backup come back from Matrix under their authors, once, and new ones reach it", async () => {
      const { ada, ben, room, matrixRoom, client } = meeting;
      await world.untilSaid(room, "Ben: three");
      // Ben's client got no acknowledgement before the restore, and sends again.
      const again = await world.useCases.messages.send(userActor(ben), room.token, { id, text: "two" });
      expect(again.duplicate).toBe(true);
      await client.react(matrixRoom, answered, "👍");
      await world.say(ada, room, "four");
      await world.mirrored(room);
      expect(await world.texts(room)).toEqual([
        "Ben: one",
        "Ben: two",
        "Ada: from Matrix",
        "Ben: three",
        "Ada: four",
      ]);
      expect(await bodies(matrixRoom)).toEqual([...before, "four"]);
      // Carl's message, and Dora's with her joining.
      expect(world.bridge.stats().unadopted).toBeGreaterThanOrEqual(2);
      expect(world.bridge.stats().refused).toBe(0);
      await until("the reaction found its message", async () => {
        return (await world.events(room)).some(({ type }) => type === "reaction.added");
      });
    });

    test("what was sent before the backup, and stored after it, is not sent again", async () => {
      const { ben, room, matrixRoom } = unsent;
      // Days have passed: the homeserver knows none of our transaction ids any more.
      await world.say(ben, room, "after it");
      await world.mirrored(room);
      expect(await bodies(matrixRoom)).toEqual(["in the backup, not yet in Matrix", "after it"]);
      expect(await world.texts(room)).toEqual(["Ben: in the backup, not yet in Matrix", "Ben: after it"]);
    });
  });

  test("nobody can take a transaction id before the bridge does", async () => {
    const { ada, room, matrixRoom } = await world.meeting();
    const onOurDevice = await world.signIn(ada, "CAUSEWAY");
    const [head] = await world.store.log.heads([room.id]);
    const next = (head?.head ?? 0) + 1;
    await onOurDevice.say(matrixRoom, "decoy", `cw.${room.token}.${next + 1}.message.0`);
    await world.untilSaid(room, "Ada: decoy");
    await world.say(ada, room, "not hidden");
    await world.mirrored(room);
    expect(await bodies(matrixRoom)).toEqual(["decoy", "not hidden"]);
    const write = { room: room.token, run: 0, seq: next, op: "message", rev: 0, at: 1, sender: "@x:y" };
    const marks = createMarks("secret");
    expect(marks.transactionId(write)).toBe(createMarks("secret").transactionId({ ...write }));
    const others = [createMarks("other").transactionId(write), marks.transactionId({ ...write, at: 2 })];
    expect(new Set([marks.transactionId(write), ...others]).size).toBe(3);
    expect(marks.isGenuine(marks.mark(write), "@x:y")).toBe(true);
    expect(marks.isGenuine(marks.mark(write), "@z:y"), "another sender's").toBe(false);
    expect(marks.isGenuine({ ...marks.mark(write), seq: 99 }, "@x:y")).toBe(false);
  });

  test("a room that the homeserver does not know any more is made anew, with its members and its log", async () => {
    const { ben, room, matrixRoom, client } = await world.meeting();
    await world.say(ben, room, "one");
    await client.say(matrixRoom, "from Matrix");
    await world.untilSaid(room, "Ada: from Matrix");
    await world.mirrored(room);
    const admin = await world.registerUser(`admin-${randomUUID()}`, "password", true);
    const path = `/_synapse/admin/v1/rooms/${encodeURIComponent(matrixRoom)}`;
    const deleted = await fetch(synapse.url + path, {
      method: "DELETE",
      headers: { authorization: `Bearer ${admin.accessToken}` },
      body: JSON.stringify({ purge: true }),
    });
    expect(deleted.status).toBe(200);
    await world.say(ben, room, "two");
    const made = await until("there is a new room, with everything", async () => {
      const now = (await world.store.rooms.byId(room.id))?.matrixRoomId;
      return now && now !== matrixRoom && (await bodies(now)).includes("two") && now;
    });
    expect(await bodies(made)).toEqual(["one", "from Matrix", "two"]);
    await client.join(made);
    await client.say(made, "and on");
    await world.untilSaid(room, "Ada: and on");
    expect(await world.texts(room)).toEqual(["Ben: one", "Ada: from Matrix", "Ben: two", "Ada: and on"]);
    expect(world.bridge.stats().roomsLost).toBe(1);
  });

  test("whoever left a room by its deletion at the homeserver stays in the chat", async () => {
    const { ben, room, matrixRoom } = await world.meeting();
    await world.say(ben, room, "one");
    await world.mirrored(room);
    const sender = world.ghosts.ofUser(ben.id);
    // Not in the room that is made anew, as somebody who was not invited there yet.
    await world.bot.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/kick`, { user_id: sender });
    const bridge = createBridgeStore(world.store.sql);
    const event_id = `$${randomUUID()}`;
    const left = { type: "m.room.member", state_key: sender, content: { membership: "leave" } };
    const event = JSON.stringify({ ...left, event_id, room_id: "!lost:x.test", sender });
    await bridge.receive([{ matrixRoomId: matrixRoom, eventId: event_id, event }]);
    await until("it was dealt with", async () => (await bridge.inbox(room.id, 1)).length === 0);
    const members = await world.store.memberships.list([room.id]);
    expect(members.map(({ name }) => name).toSorted()).toEqual(["Ada", "Ben"]);
  });

  test("a place in Matrix that the homeserver does not know, or that lies in its future, is left for the present", async () => {
    const { room, matrixRoom, client } = await world.meeting();
    const bridge = createBridgeStore(world.store.sql);
    const present = await until("the bridge noted where Matrix stands", () => bridge.state("matrix_since"));
    const future = present.replace(/\d+/, (position) => `${Number(position) + 1_000_000}`);
    for (const cursor of [future, "nowhere"]) {
      await world.bridge.stop();
      await bridge.putState("matrix_since", cursor);
      const warnings: unknown[] = [];
      const logger = { ...createLogger("silent"), warn: (fields: unknown) => void warnings.push(fields) };
      await world.startBridge({ logger: logger as Logger });
      await until("it goes on from the present", async () => (await bridge.state("matrix_since")) !== cursor);
      expect(warnings).toContainEqual(
        expect.objectContaining({ event: "bridge.audit_restarted", since: cursor }),
      );
      await client.say(matrixRoom, `after ${cursor}`);
      await world.untilSaid(room, `Ada: after ${cursor}`);
    }
  });

  test("a room's log is carried over again, once a run, from where it is told", async () => {
    const { ben, room, matrixRoom, client } = await world.meeting();
    await world.say(ben, room, "one");
    const seq = await world.say(ben, room, "two");
    await world.mirrored(room);
    await client.say(matrixRoom, "three");
    await world.untilSaid(room, "Ada: three");
    await world.mirrored(room);
    const bridge = createBridgeStore(world.store.sql);
    const started = await until("no worker is at the room", async () => {
      const answer = await bridge.remirror(room.token, seq);
      return answer !== "busy" && answer;
    });
    expect(started).toMatchObject({ id: room.id });
    await world.mirrored(room);
    await world.say(ben, room, "four");
    await world.mirrored(room);
    expect(await bodies(matrixRoom)).toEqual(["one", "two", "three", "two", "three", "four"]);
    expect(await world.texts(room)).toEqual(["Ben: one", "Ben: two", "Ada: three", "Ben: four"]);
    expect(await bridge.remirror("nowhere0", 1)).toBeNull();
  });
});
