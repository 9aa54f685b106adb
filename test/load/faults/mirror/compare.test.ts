/** Every lie that either side could tell is told to the judge of the bridge's runs, and found. */
import { beforeEach, describe, expect, test } from "vitest";
import { type Book, createBook, type Said } from "../../../../load/faults/mirror/book.ts";
import { differences } from "../../../../load/faults/mirror/compare.ts";
import { makeMirrorPlan } from "../../../../load/faults/mirror/plan.ts";
import { type ChatFacts, chatView } from "../../../../load/faults/mirror/sides/chat-view.ts";
import { matrixView, type TimelineEvent } from "../../../../load/faults/mirror/sides/matrix-view.ts";
import { planText } from "../../../../load/faults/plan.ts";
import type { MessageData, MessageEvent } from "../../../../src/protocol/frames.ts";

const ROOM = "room";
const BOT = "@cw_bot:x";

let book: Book;
let messages: MessageEvent[];
let timeline: TimelineEvent[];
let members: ChatFacts["members"][number][];
let state: TimelineEvent[];

function event(type: string, content: object, more: Partial<TimelineEvent> = {}): TimelineEvent {
  const event_id = `$${timeline.length + state.length}`;
  return {
    event_id,
    type,
    sender: "@cw_1:x",
    origin_server_ts: timeline.length,
    content: { ...content },
    ...more,
  };
}

/** Said by user 1 in the chat, and in Matrix as the bridge carries it. */
function said(text: string, more: Partial<MessageData> = {}, content: object = {}): Said {
  const one = book.add({
    room: ROOM,
    by: "u1",
    side: "chat",
    what: "text",
    wording: "exact",
    inThread: false,
  });
  const words = `${one.token} ${text}`;
  one.isTaken = true;
  one.texts.set("first", words);
  const seq = messages.length + 1;
  const actor = { kind: "user" as const, id: "1", name: "One" };
  messages.push({
    op: "event",
    room: ROOM,
    seq,
    type: "message",
    actor,
    at: seq,
    data: { text: words, ...more },
  });
  timeline.push(event("m.room.message", { msgtype: "m.text", body: words, ...content }));
  return one;
}

function found(mayBeUndone = false): string[] {
  const isOfMatrix = (token: string) => book.byToken(token)?.side === "matrix";
  const keyOf = (id: string) => /^@cw_(\d+):x$/.exec(id)?.[1]?.replace(/^/, "u") ?? id;
  const chat = chatView({ messages, members, name: "Room", description: "" });
  const matrix = matrixView({ timeline, state, bot: BOT, keyOf, isOfMatrix });
  const sides = { room: ROOM, chat, matrix, mayBeUndone: () => mayBeUndone, comesAndGoes: () => mayBeUndone };
  return differences(book, sides).map(({ kind, text }) => `${kind}: ${text}`);
}

const dataAt = (index: number) => messages[index]?.data as MessageData;
const eventAt = (index: number) => timeline[index] as TimelineEvent;

beforeEach(() => {
  [book, messages, timeline, members, state] = [createBook(), [], [], [], []];
  state.push(
    event("m.room.name", { name: "Room" }),
    event("m.room.power_levels", { users: { "@cw_1:x": 99 } }),
  );
  members.push({ user: { kind: "user", id: "1" }, role: "owner" });
  state.push(event("m.room.member", { membership: "join" }, { state_key: "@cw_1:x" }));
});

describe("the judge of both sides of the bridge", () => {
  test("has nothing to say where both say the same", () => {
    said("hello");
    said("an answer", { replyTo: 1 }, { "m.relates_to": { "m.in_reply_to": { event_id: "$3" } } });
    said("**bold**", { format: "markdown" }, { formatted_body: "<b>bold</b>" });
    expect(found()).toEqual([]);
  });

  test.each<[string, () => unknown, RegExp]>([
    ["a message that the chat lost", () => messages.pop(), /lost: m1, .*is not in the chat/],
    ["one that Matrix lost", () => timeline.pop(), /lost: m1, .*is not in Matrix/],
    [
      "a double in Matrix",
      () => timeline.push({ ...eventAt(0), event_id: "$x" }),
      /doubled: m0 is 2 times in Matrix/,
    ],
    [
      "a double in the chat",
      () => messages.push({ ...(messages[0] as MessageEvent), seq: 9 }),
      /doubled: m0 is 2 times/,
    ],
    ["other words", () => Object.assign(eventAt(0).content, { body: "m0 other" }), /different: text of m0/],
    ["another author", () => Object.assign(eventAt(0), { sender: "@cw_2:x" }), /different: author of m0/],
    ["a lost format", () => Object.assign(dataAt(0), { format: "markdown" }), /different: format of m0/],
    ["a lost reply", () => Object.assign(dataAt(1), { replyTo: 1 }), /different: replyTo of m1/],
    ["a lost thread", () => Object.assign(dataAt(1), { thread: 1 }), /different: thread of m1/],
    [
      "a lost file",
      () => Object.assign(dataAt(0), { attachments: [{ filename: "m0 a", size: 3 }] }),
      /files of m0/,
    ],
    ["another order", () => timeline.reverse(), /disordered: after undefined Matrix has m1 where m0 belongs/],
    [
      "a member that only the chat has",
      () => members.push({ user: { kind: "matrix", id: "@a:x" }, role: "user" }),
      /members/,
    ],
    ["another role", () => Object.assign(members[0] ?? {}, { role: "user" }), /different: members/],
    ["another name", () => Object.assign(state[0]?.content ?? {}, { name: "Other" }), /different: name/],
    ["a line that never came", () => book.lines.set(`${ROOM} 🔒`, 1), /lost: 1 lines with 🔒/],
    [
      "what nobody said",
      () => Object.assign(book.said[1] ?? {}, { isTaken: false }),
      /m1 was refused, and is there/,
    ],
  ])("finds %s", (_, lie, words) => {
    said("first");
    said("second");
    lie();
    expect(found().join("\n")).toMatch(words);
  });

  test("finds edits that one side lost, and words that are nobody's last", () => {
    const one = said("first");
    Object.assign(dataAt(0), { text: "m0 edited" });
    expect(found()).toEqual([expect.stringContaining("text of m0")]);
    const relation = { "m.relates_to": { rel_type: "m.replace", event_id: eventAt(0).event_id } };
    timeline.push(
      event("m.room.message", { ...relation, body: "* m0", "m.new_content": { body: "m0 edited" } }),
    );
    expect(found()).toEqual([expect.stringContaining("nobody's last word")]);
    one.texts.set("chat", "m0 edited");
    expect(found()).toEqual([]);
  });

  test("finds a reaction that is on one side, on neither, or was taken away", () => {
    const one = said("first");
    Object.assign(dataAt(0), {
      reactions: [{ name: "👍", count: 1, me: true, actors: [{ kind: "user", id: "1" }] }],
    });
    expect(found()).toEqual([expect.stringContaining("reactions of m0")]);
    timeline.push(
      event("m.reaction", { "m.relates_to": { event_id: eventAt(0).event_id, key: "👍\uFE0F" } }),
    );
    expect(found()).toEqual([]);
    one.reactions.set("u1 👍", false).set("u1 🎉", true);
    expect(found()).toHaveLength(2);
  });

  test("finds a deleted message that is still there", () => {
    const one = said("first");
    one.isDeleted = true;
    expect(found()).toEqual(["different: m0 was deleted and is still in the chat and Matrix"]);
    messages.pop();
    Object.assign(eventAt(0), { unsigned: { redacted_because: {} } });
    expect(found()).toEqual([]);
  });

  test("lets what was undone be in neither side, where rules or members changed", () => {
    const one = book.add({
      room: ROOM,
      by: "@a:x",
      side: "matrix",
      what: "text",
      wording: "exact",
      inThread: false,
    });
    one.isTaken = true;
    expect(found(true)).toEqual([]);
    expect(found(false)).toHaveLength(1);
  });
});

test("the plan is a pure function of the seed, and breaks bridges and homeserver alone", () => {
  const plan = makeMirrorPlan({ seed: 7, seconds: 1_800 });
  expect(planText(makeMirrorPlan({ seed: 7, seconds: 1_800 }))).toBe(planText(plan));
  expect(planText(makeMirrorPlan({ seed: 8, seconds: 1_800 }))).not.toBe(planText(plan));
  expect(plan.length).toBeGreaterThan(150);
  expect(planText(plan)).not.toMatch(/gateway|database|redis/);
});
