/** Events from Matrix that come in another order than they were sent: before the events that they are about. */
import { randomUUID } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import type { RequestOptions } from "../../../bridge/homeserver/homeserver.ts";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { userActor } from "../../../src/domain/model.ts";
import { faulty, never, refusal, withoutAudit } from "../faulty.ts";
import type { TimelineEvent } from "../matrix-user.ts";
import { describeBridge, until } from "../world.ts";

describeBridge(
  "events from Matrix that come before those that they are about",
  (world) => {
    const unknown = () => Promise.reject(refusal(404, "M_NOT_FOUND"));
    const isLookUp = (path: string) => /\/rooms\/[^/]+\/event\//.test(path);
    /** Nobody delivers but the test. */
    beforeEach(() => {
      world.door.open = async () => Response.json({});
    });

    /** Delivers events in this order, as the homeserver would. */
    async function deliver(room: string, events: readonly object[]): Promise<void> {
      const body = JSON.stringify({ events: events.map((event) => ({ ...event, room_id: room })) });
      const headers = { authorization: `Bearer ${world.registration.hsToken}` };
      const url = `http://bridge/_matrix/app/v1/transactions/${randomUUID()}`;
      const answer = await world.bridge.handle(new Request(url, { method: "PUT", headers, body }));
      expect(answer.status).toBe(200);
    }

    /** Starts a worker to which the homeserver tells nothing but what it delivers. */
    async function withoutLookUps(fault: (options: RequestOptions) => Promise<unknown> = unknown) {
      const homeserver = faulty(withoutAudit(world.homeserver), (_, path, ask, options) =>
        isLookUp(path) ? fault(options) : ask(),
      );
      const bridge = await world.startBridge({ homeserver });
      await until("the bridge is up", async () => (await bridge.health()).ok);
      return bridge;
    }

    async function restart(): Promise<void> {
      await world.bridge.stop();
      await world.startBridge();
      await until("the bridge is up", async () => (await world.bridge.health()).ok);
    }

    const edit = (eventId: string, text: string) => ({
      ...{ msgtype: "m.text", body: `* ${text}`, "m.new_content": { msgtype: "m.text", body: text } },
      "m.relates_to": { rel_type: "m.replace", event_id: eventId },
    });
    const answer = (eventId: string, text: string) => ({
      ...{ msgtype: "m.text", body: text, "m.relates_to": { "m.in_reply_to": { event_id: eventId } } },
    });
    const waiting = async (id: number) => {
      const rows = await world.store.sql`
        select from bridge_inbox where conversation_id = ${id} and waits_for is not null and done_at is null`;
      return rows.length;
    };
    const log = async (room: { id: number }) =>
      (await world.events(room)).map(({ type, dataJson }) => `${type} ${dataJson}`).slice(-4);

    const firstMessage = async (room: { id: number }) =>
      (await world.events(room)).find(({ type }) => type === "message")?.seq ?? 0;

    /** A question with an edit, a reaction and an answer, and a message that is redacted, as the homeserver has them. */
    async function spoken() {
      const here = await world.meeting();
      const { client, matrixRoom } = here;
      const question = await client.say(matrixRoom, "a question");
      const gone = await client.say(matrixRoom, "never mind");
      const ids = {
        edit: await client.say(matrixRoom, edit(question, "a better question")),
        reaction: await client.react(matrixRoom, question, "👍"),
        answer: await client.say(matrixRoom, answer(question, "an answer")),
        redaction: await client.redact(matrixRoom, gone),
      };
      const timeline = await world.bot.timeline(matrixRoom);
      const events = (...wanted: string[]) =>
        wanted.map((id) => timeline.find(({ event_id }) => event_id === id) as TimelineEvent);
      const about = events(ids.edit, ids.reaction, ids.answer, ids.redaction);
      return { ...here, about, targets: events(question, gone), questionId: question };
    }

    async function expectAll({ room, matrixRoom }: Awaited<ReturnType<typeof spoken>>): Promise<void> {
      await world.untilSaid(room, "Ada: an answer");
      await until("nothing waits", async () => (await waiting(room.id)) === 0);
      const events = await world.events(room);
      const asked = events.find(({ type }) => type === "message")?.seq;
      expect(await world.texts(room)).toEqual(["Ada: a better question", "Ada: an answer"]);
      const said = JSON.parse(events.findLast(({ type }) => type === "message")?.dataJson ?? "");
      expect(said).toMatchObject({ replyTo: asked });
      expect(await log(room)).toContainEqual(`reaction.added ${JSON.stringify({ seq: asked, name: "👍" })}`);
      await world.mirrored(room);
      const sent = (await world.bot.timeline(matrixRoom)).filter(({ type }) => type === "m.room.message");
      expect(sent, "nothing was sent back").toHaveLength(4);
    }

    test("the homeserver is asked for what was not delivered", async () => {
      const here = await spoken();
      await deliver(here.matrixRoom, here.about);
      await expectAll(here);
      await deliver(here.matrixRoom, here.targets);
      expect(world.bridge.stats().withoutTarget).toBe(0);
    });

    test("where it does not have it they wait, through the end of a worker, and nothing else waits for them", async () => {
      const here = await spoken();
      await world.bridge.stop();
      const { room, matrixRoom, client, about, targets } = here;
      let asked = 0;
      const killed = await withoutLookUps((options) => {
        asked++;
        return never(options);
      });
      await deliver(matrixRoom, about);
      await until("it asks the homeserver, and ends there", async () => asked > 0);
      await withoutLookUps();
      await until("all of them wait", async () => (await waiting(room.id)) === about.length);
      await killed.stop();
      const other = await client.say(matrixRoom, "something else");
      await deliver(
        matrixRoom,
        (await client.timeline(matrixRoom)).filter(({ event_id }) => event_id === other),
      );
      await world.untilSaid(room, "Ada: something else");
      expect(await waiting(room.id)).toBe(about.length);
      expect(world.bridge.stats().withoutTarget).toBe(0);
      await deliver(matrixRoom, targets);
      await world.untilSaid(room, "Ada: an answer");
      await until("nothing waits", async () => (await waiting(room.id)) === 0);
      expect(await world.texts(room)).toEqual([
        "Ada: something else",
        "Ada: a better question",
        "Ada: an answer",
      ]);
      await restart();
    });

    test("what never comes ends the wait with the next audit; an answer is said all the same", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      const nothing = "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
      const said = await client.say(matrixRoom, answer(nothing, "an answer to nothing"));
      const events = (await client.timeline(matrixRoom)).filter(({ event_id }) => event_id === said);
      const made = { sender: client.id, type: "m.room.message", origin_server_ts: 1 };
      await deliver(matrixRoom, [...events, { ...made, event_id: "$made-up", content: edit(nothing, "x") }]);
      await until("both wait", async () => (await waiting(room.id)) === 2);
      await until("the figure says so", async () => world.bridge.stats().waiting >= 2);
      expect(await world.texts(room)).toEqual([]);
      const before = world.bridge.stats().withoutTarget;
      // Finds the connection again, and with it the undelivered.
      world.bridge.homeserverRestarted();
      await world.untilSaid(room, "Ada: an answer to nothing");
      await until("nothing waits", async () => (await waiting(room.id)) === 0);
      expect(world.bridge.stats().withoutTarget - before).toBe(2);
      expect(await world.texts(room)).toEqual(["Ada: an answer to nothing"]);
      const letters = await createBridgeStore(world.store.sql).list({ room: room.token, after: 0, limit: 9 });
      expect(letters).toMatchObject([{ matrixEvent: "$made-up", reason: expect.stringContaining(nothing) }]);
    });

    test("no more than 500 events of a room wait", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      await world.store.sql`
        insert into bridge_inbox (event_id, conversation_id, event, waits_for, waits_since)
        select '$waiting-' || n || '-' || ${room.id}::bigint, ${room.id}, '{}', '$nothing', causeway_now() + 600000
        from generate_series(1, 498) n`;
      const made = { sender: client.id, type: "m.reaction", origin_server_ts: 1 };
      const reactions = Array.from({ length: 4 }, (_, n) => ({
        ...{ ...made, event_id: `$reaction-${n}-${room.id}` },
        content: { "m.relates_to": { rel_type: "m.annotation", event_id: `$nothing-${n}`, key: "x" } },
      }));
      const before = world.bridge.stats().withoutTarget;
      await deliver(matrixRoom, reactions);
      await until("two did not wait", async () => world.bridge.stats().withoutTarget - before >= 2);
      expect(await waiting(room.id)).toBe(500);
      expect(world.bridge.stats().withoutTarget - before).toBe(2);
      await world.store.sql`delete from bridge_inbox where conversation_id = ${room.id}`;
    });

    test("of two edits the newer counts, whichever comes first, and the older is taken back in Matrix", async () => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      const message = await client.say(matrixRoom, "one");
      const second = await client.say(matrixRoom, edit(message, "two"));
      const third = await client.say(matrixRoom, edit(message, "three"));
      const timeline = await client.timeline(matrixRoom);
      const at = (id: string) => timeline.find(({ event_id }) => event_id === id) as TimelineEvent;
      await deliver(matrixRoom, [at(message), at(third)]);
      await world.untilSaid(room, "Ada: three");
      const isTakenBack = async (id: string) =>
        (await client.timeline(matrixRoom)).find(({ event_id }) => event_id === id)?.unsigned
          ?.redacted_because !== undefined;
      await deliver(matrixRoom, [at(second)]);
      await until("the second is taken back", () => isTakenBack(second));
      expect(await world.texts(room)).toEqual(["Ada: three"]);
      expect(await isTakenBack(third)).toBe(false);

      // Written in Matrix before the edit in the app, delivered after it.
      const fourth = await client.say(matrixRoom, edit(message, "four"));
      const late = (await client.timeline(matrixRoom)).filter(({ event_id }) => event_id === fourth);
      const seq = await firstMessage(room);
      await world.useCases.messages.edit(userActor(ada), room.token, seq, { text: "five" });
      await world.mirrored(room);
      await deliver(matrixRoom, late);
      await until("the fourth is taken back", () => isTakenBack(fourth));
      expect(await world.texts(room)).toEqual(["Ada: five"]);
      const shown = (await client.timeline(matrixRoom)).find(({ event_id }) => event_id === message);
      expect(JSON.stringify(shown?.unsigned?.["m.relations"]?.["m.replace"])).toContain("five");
    });

    test("of two edits of one moment the one with the greater id counts; one of the app that is not sent yet counts by its time", async () => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      const message = await client.say(matrixRoom, "one");
      const [event] = (await client.timeline(matrixRoom)).filter(({ event_id }) => event_id === message);
      const base = { sender: client.id, type: "m.room.message", origin_server_ts: event?.origin_server_ts };
      const [smaller, greater] = [`$a-${room.id}`, `$b-${room.id}`];
      await deliver(matrixRoom, [
        event as TimelineEvent,
        { ...base, event_id: greater, content: edit(message, "greater") },
        { ...base, event_id: smaller, content: edit(message, "smaller") },
      ]);
      const bridge = createBridgeStore(world.store.sql);
      await until("both were looked at", () => bridge.mirroredEvent(smaller));
      expect(await world.texts(room)).toEqual(["Ada: greater"]);

      const seq = await firstMessage(room);
      await world.bridge.stop();
      await world.useCases.messages.edit(userActor(ada), room.token, seq, { text: "of the app" });
      const late = { ...base, event_id: `$c-${room.id}`, content: edit(message, "late") };
      await bridge.receive([
        {
          matrixRoomId: matrixRoom,
          eventId: late.event_id,
          event: JSON.stringify({ ...late, room_id: matrixRoom }),
        },
      ]);
      await world.startBridge();
      await until("the late one was looked at", () => bridge.mirroredEvent(late.event_id));
      await world.mirrored(room);
      expect(await world.texts(room)).toEqual(["Ada: of the app"]);
    });
  },
  { scanMs: 200, reconcileMs: 600_000 },
);
