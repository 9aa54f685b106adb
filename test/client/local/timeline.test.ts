/** How events change what a room shows: each may be told twice, and a page of history may be ahead of them. */
import { describe, expect, test } from "vitest";
import { withMarker, withPending } from "../../../src/client/local/overlay.ts";
import type { PendingWrite } from "../../../src/client/local/pending-write.ts";
import {
  changeItem,
  itemOf,
  readItem,
  type StoredItem,
  targetsOf,
  withReply,
} from "../../../src/client/local/timeline/timeline.ts";
import type { Room } from "../../../src/client/rooms.ts";
import type { RoomEvent, WireActor } from "../../../src/protocol/frames.ts";

const ANN: WireActor = { kind: "user", id: "1", name: "Ann" };
const BOB: WireActor = { kind: "user", id: "2", name: "Bob" };

function event(seq: number, type: RoomEvent["type"], data: object, more: object = {}): RoomEvent {
  return { op: "event", room: "r", seq, type, actor: BOB, at: 1_000 + seq, data, ...more } as RoomEvent;
}
function item(seq: number, data: object, more: object = {}): StoredItem {
  return itemOf(event(seq, "message", data, more)) as StoredItem;
}
function dataAfter(start: StoredItem, ...events: RoomEvent[]): unknown {
  return events.reduce((now, one) => changeItem(now, one, { me: ANN.id, read: 0 }), start).data;
}

describe("timeline", () => {
  test("messages and what else happens are items; changes of messages are not", () => {
    expect(item(1, { text: "a" }, { id: "x" })).toMatchObject({
      seq: 1,
      key: "user:2:x",
      data: { text: "a" },
    });
    expect(itemOf(event(2, "member.joined", { member: ANN, role: "user" }))).toMatchObject({ key: "2" });
    expect(itemOf(event(3, "reaction.added", { seq: 1, name: "👍" }))).toBeNull();
    expect(targetsOf(event(3, "reaction.added", { seq: 1, name: "👍" }))).toEqual([1]);
    expect(targetsOf(event(3, "message.edited", { seq: 1, hidden: true }))).toEqual([]);
  });

  test("an edit replaces what it tells, keeps the rest, and is not undone by an older one", () => {
    const message = item(1, { text: "a", replyTo: 7, kind: "x.a.b", mentions: ["1"], format: "markdown" });
    const edit = event(2, "message.edited", { seq: 1, text: "b", mentions: [] });
    const data = { text: "b", replyTo: 7, kind: "x.a.b", edited: 1_002 };
    expect(dataAfter(message, edit)).toEqual(data);
    const later = event(3, "message.edited", { seq: 1, text: "c" });
    expect(dataAfter(message, edit, later, edit)).toEqual({ ...data, text: "c", edited: 1_003 });
  });

  test("nothing is left of a deleted message, and nothing changes it", () => {
    const deleted = event(2, "message.deleted", { seq: 1 });
    const edit = event(3, "message.edited", { seq: 1, text: "b" });
    expect(dataAfter(item(1, { text: "a", replyTo: 1 }), deleted, edit)).toEqual({ text: "", deleted: true });
  });

  test("an answer counts once in the thread that it belongs to, which outlives the deletion of its first message", () => {
    const answer = event(4, "message", { text: "b", thread: 1 });
    const mine = event(6, "message", { text: "c", thread: 1 }, { actor: ANN });
    expect(targetsOf(answer)).toEqual([1]);
    const thread = { count: 2, lastSeq: 6, lastAt: 1_006, unread: 1 };
    expect(dataAfter(item(1, { text: "a" }), answer, mine, answer)).toEqual({ text: "a", thread });
    const gone = event(7, "message.deleted", { seq: 1 });
    expect(dataAfter(item(1, { text: "a", thread }), gone)).toEqual({ text: "", deleted: true, thread });
  });

  test("a thread has nothing unread up to its reader's marker, and an answer of which nobody can tell here is looked up", () => {
    const answers = [2, 4].map((seq) => event(seq, "message", { text: "b", thread: 1 }));
    const changedBy = (start: StoredItem, read: number, ...events: RoomEvent[]) =>
      events.reduce((now, one) => changeItem(now, one, { me: ANN.id, read }), start);
    const both = changedBy(item(1, { text: "a" }), 0, ...answers);
    expect(both.data).toMatchObject({ thread: { count: 2, lastSeq: 4, unread: 2 } });
    expect(readItem(both, 4).data).toMatchObject({ thread: { count: 2, lastSeq: 4, unread: 0 } });
    expect(readItem(readItem(both, 4), 3)).toEqual(readItem(both, 4));
    expect(readItem(both, 3)).toEqual({ ...both, stale: true });
    const later = event(6, "message", { text: "c", thread: 1 });
    expect(changedBy(both, 4, later).data).toMatchObject({ thread: { count: 3, lastSeq: 6, unread: 1 } });
    expect(changedBy(both, 6, later).data).toMatchObject({ thread: { count: 3, lastSeq: 6, unread: 0 } });

    const gone = event(7, "message.deleted", { seq: 4, thread: 1 });
    expect(targetsOf(gone)).toEqual([4, 1]);
    expect(changedBy(both, 0, gone)).toEqual({ ...both, stale: true });
  });

  test("a reaction counts once for each person, however often it is told", () => {
    const added = event(2, "reaction.added", { seq: 1, name: "👍" });
    const mine = event(3, "reaction.added", { seq: 1, name: "👍" }, { actor: ANN });
    const both = [{ name: "👍", count: 2, me: true, actors: [BOB, ANN] }];
    expect(dataAfter(item(1, { text: "a" }), added, mine, added, mine)).toEqual({
      text: "a",
      reactions: both,
    });
    const removed = event(4, "reaction.removed", { seq: 1, name: "👍" }, { actor: ANN });
    const his = [{ name: "👍", count: 1, me: false, actors: [BOB] }];
    expect(dataAfter(item(1, { text: "a", reactions: both }), removed, removed)).toEqual({
      text: "a",
      reactions: his,
    });
    const none = event(5, "reaction.removed", { seq: 1, name: "👍" });
    expect(dataAfter(item(1, { text: "a", reactions: his }), none, none)).toEqual({ text: "a" });
  });

  test("of many who reacted ten are listed", () => {
    const added = Array.from({ length: 12 }, (_, n) =>
      event(2 + n, "reaction.added", { seq: 1, name: "👍" }, { actor: { ...BOB, id: String(n + 10) } }),
    );
    const { reactions } = dataAfter(item(1, { text: "a" }), ...added) as {
      reactions: { actors: unknown[] }[];
    };
    expect(reactions[0]).toMatchObject({ count: 12 });
    expect(reactions[0]?.actors).toHaveLength(10);
  });

  test("the message that is answered is shown as it is now, or not at all", () => {
    const answer = item(5, { text: "yes", replyTo: 1 });
    const reply = { seq: 1, actor: BOB, text: "a" };
    expect(withReply(answer, reply).data).toEqual({ text: "yes", replyTo: 1, reply });
    expect(withReply(withReply(answer, reply), null).data).toEqual({ text: "yes", replyTo: 1 });
  });
});

describe("what is pending", () => {
  const write = (op: PendingWrite["op"], fields: object, more: object = {}): PendingWrite =>
    ({ id: `w-${op}`, op, room: "r", at: 9_000, fields, ...more }) as PendingWrite;

  test("messages stand at the end, changes at their message", () => {
    const items = [item(1, { text: "a", mentions: ["2"] }, { actor: ANN }), item(2, { text: "b" })];
    const shown = withPending(
      items,
      [
        write("send", { text: "c", replyTo: 2, mentions: ["2"] }, { id: "m" }),
        write("edit", { text: "A" }, { target: { seq: 1 } }),
        write("react", { name: "👍" }, { target: { seq: 2 } }),
        write("react", { name: "🙂" }, { target: { id: "m" } }),
        write("delete", {}, { target: { seq: 99 } }),
      ],
      ANN,
    );
    const mine = (name: string) => [{ name, count: 1, me: true, actors: [ANN] }];
    expect(shown).toMatchObject([
      { seq: 1, pending: true, data: { text: "A", mentions: ["2"], edited: 9_000 } },
      { seq: 2, pending: true, data: { text: "b", reactions: mine("👍") } },
      {
        key: "user:1:m",
        pending: true,
        data: { text: "c", reply: { seq: 2, text: "b" }, reactions: mine("🙂") },
      },
    ]);
    expect(items[0]?.data).toEqual({ text: "a", mentions: ["2"] });
  });

  test("what is acknowledged is pending no more, and is there once when its event comes", () => {
    const acknowledged = write("send", { text: "c" }, { id: "m", ack: { seq: 3, at: 5 } });
    const [shown] = withPending([], [acknowledged], ANN);
    expect(shown).toMatchObject({ seq: 3, at: 5, data: { text: "c" } });
    expect(shown).not.toHaveProperty("pending");
    const event = item(3, { text: "c" }, { id: "m", actor: ANN });
    expect(withPending([event], [acknowledged], ANN)).toEqual([event]);
  });

  test("what was refused is shown as it was, with the reason", () => {
    const failed = { code: "read_only", message: "no" };
    const [shown] = withPending(
      [item(1, { text: "a" })],
      [write("edit", { text: "A" }, { target: { seq: 1 }, failed })],
      ANN,
    );
    expect(shown).toMatchObject({ data: { text: "a" }, failed: { id: "w-edit", ...failed } });
  });

  test("what is unread is counted after the marker that is under way, where that is in memory", () => {
    const entry = { room: "r", head: 4, read: 0, unread: 4, mention: 2 } as Room;
    const unknown = () => undefined;
    expect(withMarker(entry, undefined, unknown)).toBe(entry);
    expect(withMarker(entry, undefined, () => 4)).toBe(entry);
    expect(withMarker(entry, 4, unknown)).toMatchObject({ read: 4, unread: 0, mention: 0 });
    expect(withMarker(entry, 1, unknown)).toMatchObject({ read: 1, unread: 3, mention: 2 });
    expect(withMarker(entry, 2, (seq) => seq - 1)).toMatchObject({ read: 2, unread: 1, mention: 1 });
    const waiting = { ...entry, waiting: true } as Room;
    expect(withMarker(waiting, 2, () => 0)).toBe(waiting);
  });
});
