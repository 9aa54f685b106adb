/** What a room's screen holds, without a screen. */
import { describe, expect, test } from "vitest";
import type { EventFrame } from "../../src/protocol/frames.ts";
import { Conversation, type Message } from "../../src/web/conversation.ts";
import { People } from "../../src/web/people.ts";

const ANN = { kind: "user", id: "1", name: "Ann" } as const;
const BOB = { kind: "user", id: "2", name: "Bob" } as const;

function event(
  seq: number,
  type: string,
  data: Record<string, unknown>,
  more: Partial<EventFrame> = {},
): EventFrame {
  return { op: "event", room: "r", seq, type, actor: BOB, at: seq * 1_000, data, ...more };
}
function message(seq: number, text: string, more: Partial<EventFrame> = {}): EventFrame {
  return event(seq, "message", { text }, more);
}
function outgoing(id: string, text: string): Message {
  const state = { edited: false, deleted: false, problem: null, sent: false };
  return { kind: "message", seq: 0, id, actor: ANN, at: 0, text, replyTo: null, mentions: [], ...state };
}
function texts(conversation: Conversation): string[] {
  return conversation.items.map(({ text }) => text);
}

describe("conversation", () => {
  test("a message that the user hid is gone, and does not come again", () => {
    const conversation = new Conversation();
    conversation.apply(message(1, "one"));
    conversation.apply(message(2, "two"));
    conversation.hide([1, 3]);
    expect(texts(conversation)).toEqual(["two"]);
    conversation.apply(message(3, "three"));
    conversation.addOlder([message(1, "one")], false);
    expect(texts(conversation)).toEqual(["two"]);
  });

  test("pages of history go before what came live, whatever arrived first", () => {
    const conversation = new Conversation();
    conversation.apply(message(4, "four"));
    conversation.addOlder([message(2, "two"), message(3, "three")], true);
    conversation.apply(message(5, "five"));
    conversation.addOlder([message(1, "one"), message(2, "two")], false);

    expect(texts(conversation)).toEqual(["one", "two", "three", "four", "five"]);
    expect(conversation).toMatchObject({ first: 1, last: 5, complete: true });
  });

  test("what is on its way stands last, until its event takes its place", () => {
    const conversation = new Conversation();
    conversation.addOutgoing(outgoing("x", "mine"));
    conversation.apply(message(1, "theirs"));
    conversation.changeOutgoing("x", { sent: true });
    expect(texts(conversation)).toEqual(["theirs", "mine"]);
    conversation.apply(message(2, "mine", { id: "x", actor: ANN }));
    conversation.apply(message(3, "theirs again"));
    expect(texts(conversation)).toEqual(["theirs", "mine", "theirs again"]);
    expect(conversation.outgoing).toEqual([]);
  });

  test("live edits and deletions change the message; those of history are in it already", () => {
    const conversation = new Conversation();
    conversation.addOlder(
      [
        event(1, "message", { text: "final", edited: 5 }),
        event(2, "message.edited", { seq: 1, text: "first edit" }),
      ],
      false,
    );
    expect(texts(conversation)).toEqual(["final"]);
    conversation.apply(event(3, "message.edited", { seq: 1, text: "later edit" }));
    expect(conversation.items[0]).toMatchObject({ text: "later edit", edited: true });
    conversation.apply(event(4, "message.edited", { seq: 1, hidden: true }));
    conversation.apply(event(5, "message.pinned", { seq: 1, hidden: true }));
    expect(texts(conversation)).toEqual(["later edit"]);
    conversation.apply(event(6, "message.edited", { seq: 1, text: "to you", mentions: ["1"] }));
    expect(conversation.items[0]).toMatchObject({ text: "to you", mentions: ["1"] });
    conversation.apply(event(7, "message.deleted", { seq: 1 }));
    expect(conversation.items[0]).toMatchObject({ text: "", deleted: true });
  });

  test("what nobody looks at is kept in bounds and loaded again", () => {
    const conversation = new Conversation();
    for (let seq = 1; seq <= 500; seq++) conversation.apply(message(seq, `message ${seq}`));
    conversation.trim();
    expect(conversation).toMatchObject({ first: 301, last: 500, complete: false });
    expect(conversation.items.length).toBe(200);
  });

  test("tells who came and went", () => {
    const conversation = new Conversation();
    conversation.apply(event(1, "member.joined", { member: BOB, role: "user" }));
    conversation.apply(event(2, "member.joined", { member: ANN, role: "user" }));
    conversation.apply(event(3, "member.left", { member: ANN, role: "user" }));
    conversation.apply(event(4, "reaction.added", { seq: 1, name: "👍" }));
    expect(texts(conversation)).toEqual(["Bob joined", "Bob added Ann", "Bob removed Ann"]);
  });

  test("tells of calls, and says nothing of events that it does not know", () => {
    const conversation = new Conversation();
    const types = ["call.started", "call.joined", "call.left", "call.ended", "call.recorded"];
    for (const [i, type] of types.entries()) conversation.apply(event(i + 1, type, {}));
    expect(texts(conversation)).toEqual([
      "Bob started a call",
      "Bob joined the call",
      "Bob left the call",
      "The call ended",
    ]);
    expect(conversation.last).toBe(types.length);
  });
});

describe("people", () => {
  test("finds whom a text mentions, and never oneself", () => {
    const people = new People("1");
    people.met(ANN);
    people.met(BOB);
    people.met({ kind: "matrix", id: "@carol:localhost", name: "Carol Novák" });
    expect(people.mentionedIn("@bob and @Carol Novák, says @Ann")).toEqual(["2", "@carol:localhost"]);
    expect(people.mentionedIn("@all: lunch")).toEqual(["all"]);
    expect(people.mentionedIn("bob@all.example")).toEqual([]);
  });

  test("somebody who writes a message has stopped typing and has read what came before", () => {
    const people = new People("1");
    people.typing({ op: "typing", room: "r", actor: BOB, on: true });
    expect(people.writing).toEqual(["Bob"]);
    people.wrote(message(7, "done", { at: Date.now() }));
    expect(people.writing).toEqual([]);
    expect(people.present).toEqual(["Bob"]);
    expect(people.seen).toBe(6);
  });
});
