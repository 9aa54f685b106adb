/** The judge of a run of faults objects to every lie that a chat can tell, and to nothing else. */
import { describe, expect, test } from "vitest";
import {
  judgeLog,
  judgeMarker,
  judgeMirror,
  judgeSends,
  judgeView,
  type LogEvent,
} from "../../../load/faults/judge/judge.ts";
import { createLedger } from "../../../load/faults/judge/ledger.ts";
import { View } from "../../../load/faults/judge/view.ts";

const ROOM = "k3p9xq2a";

/** The reader's log begins with their joining, at 2. */
function log(...ids: string[]): LogEvent[] {
  const actor = { kind: "user", id: "1" };
  const joined = { seq: 2, at: 20, type: "member.joined", id: null, actor, text: null };
  const messages = ids.map((id, n) => ({
    ...{ seq: n + 3, at: (n + 3) * 10, type: "message", id, actor },
    text: `text of ${id}`,
  }));
  return [joined, ...messages];
}

function viewOf(events: readonly LogEvent[], head = 2): View {
  const view = new View("phone", ROOM, head, 20);
  for (const { seq, at, type, id } of events) view.take({ seq, at, type, id, seenAt: seq * 1_000 });
  return view;
}

const kinds = (violations: { kind: string }[]) => violations.map(({ kind }) => kind);

describe("the judge, of a log", () => {
  test("finds nothing wrong with every seq once", () => {
    expect(judgeLog(ROOM, log("a", "b", "c"))).toEqual([]);
  });

  test("objects to a hole, and to a message that stands twice", () => {
    const whole = log("a", "b", "c");
    expect(judgeLog(ROOM, [...whole.slice(0, 2), ...whole.slice(3)])).toMatchObject([
      { kind: "gap", seq: 5, room: ROOM },
    ]);
    expect(judgeLog(ROOM, log("a", "b", "a"))).toMatchObject([{ kind: "doubled", seq: 5, id: "a" }]);
  });
});

describe("the judge, of what was acknowledged", () => {
  function ledgerOf(...acks: [id: string, seq: number][]) {
    const ledger = createLedger();
    for (const [id, seq] of acks) {
      const message = ledger.sent({ sender: "ann", room: ROOM, id, text: `text of ${id}` });
      ledger.acked(message, { seq, at: seq * 10, ackedAt: 7_000 });
    }
    return ledger;
  }
  const judge = (ledger: ReturnType<typeof createLedger>, events: LogEvent[]) =>
    judgeSends(ledger, new Map([[ROOM, events]]));

  test("finds nothing wrong where everything stands as it was said", () => {
    expect(judge(ledgerOf(["a", 3], ["b", 4]), log("a", "b"))).toEqual([]);
  });

  test("objects to what is lost, with room, seq, id, sender and time", () => {
    expect(judge(ledgerOf(["a", 3], ["b", 4]), log("a"))).toMatchObject([
      { kind: "lost", room: ROOM, seq: 4, id: "b", client: "ann", at: 7_000 },
    ]);
  });

  test("objects to a double under another id, to another place, and to another order", () => {
    const doubled = log("a", "b");
    doubled[2] = { ...doubled[2]!, text: "text of a" };
    expect(kinds(judge(ledgerOf(["a", 3]), doubled))).toEqual(["doubled"]);
    expect(kinds(judge(ledgerOf(["b", 3]), log("a", "b")))).toEqual(["moved"]);
    expect(kinds(judge(ledgerOf(["b", 4], ["a", 3]), log("a", "b")))).toEqual(["disordered"]);
  });

  test("objects to what the homeserver took and the log has not", () => {
    const ledger = createLedger();
    ledger.sent({ sender: "ann", room: ROOM, id: "m", text: "from Matrix" }).takenAt = 1_000;
    expect(kinds(judge(ledger, log("a")))).toEqual(["lost"]);
  });

  test("does not miss what a cut took away on purpose, but all that it left", () => {
    const ledger = ledgerOf(["a", 3], ["b", 4], ["c", 5]);
    ledger.cut(new Map([[ROOM, 4]]), 8_000);
    expect(judge(ledger, log("a", "b", "new"))).toEqual([]);
    expect(judge(ledger, log("a"))).toMatchObject([{ kind: "lost", id: "b" }]);
  });
});

describe("the judge, of a reader", () => {
  test("finds nothing wrong with a stretch of the log up to its end", () => {
    const events = log("a", "b", "c");
    expect(judgeView(viewOf(events.slice(1)), events)).toEqual([]);
    expect(judgeView(viewOf(events.slice(2), 3), events)).toEqual([]);
  });

  test("objects to a hole, a double, a turned order and a missing end", () => {
    const events = log("a", "b", "c");
    const [, a, b, c] = events as [LogEvent, LogEvent, LogEvent, LogEvent];
    expect(kinds(judgeView(viewOf([a, c]), events))).toEqual(["gap"]);
    expect(kinds(judgeView(viewOf([a, a, b, c]), events))).toEqual(["doubled"]);
    expect(kinds(judgeView(viewOf([a, c, b]), events))).toEqual(["gap", "doubled"]);
    expect(judgeView(viewOf([a, b]), events)).toMatchObject([{ kind: "behind", seq: 4 }]);
  });

  test("objects to another history under the same seqs, by id and by time alone", () => {
    const held = log("a", "b", "c");
    const others = log("a", "x", "c");
    expect(judgeView(viewOf(held.slice(1)), others)).toMatchObject([
      { kind: "diverged", seq: 4, id: "b", client: "phone", at: 4_000 },
    ]);
    const later = log("a", "b", "c").map((event) => (event.seq === 5 ? { ...event, at: 51 } : event));
    expect(kinds(judgeView(viewOf(held.slice(1)), later))).toEqual(["diverged"]);
  });

  test("is content with a reader who was told, and only with that one", () => {
    const view = viewOf(log("a", "b", "c").slice(1));
    const anew = log("a", "x", "y", "z");
    expect(kinds(judgeView(view, anew))).toEqual(["diverged", "behind"]);
    view.told(5, 50);
    const { seq, at, type, id } = anew[4]!;
    view.take({ seq, at, type, id, seenAt: 9_000 });
    expect(judgeView(view, anew)).toEqual([]);
  });

  test("objects to a wrong unread count and to a marker that went back", () => {
    const marker = { client: "bob", userId: "2", room: ROOM, read: 3, unread: 2, confirmed: 3 };
    const events = log("a", "b", "c");
    expect(judgeMarker(marker, events)).toEqual([]);
    expect(kinds(judgeMarker({ ...marker, unread: 3 }, events))).toEqual(["unread"]);
    expect(kinds(judgeMarker({ ...marker, confirmed: 4 }, events))).toEqual(["unread"]);
  });
});

describe("the judge, of the Matrix side", () => {
  const texts = (...ids: string[]) => ids.map((id) => `text of ${id}`);
  const judge = (bodies: string[], writtenThere: string[] = [], touched: string[] = []) =>
    judgeMirror(
      { room: ROOM, bodies, writtenThere: new Set(writtenThere), touched: new Set(touched) },
      log("a", "b", "c"),
    );

  test("finds nothing wrong with each message once and in order", () => {
    expect(judge(texts("a", "b", "c"))).toEqual([]);
  });

  test("objects to what is missing, doubled, turned round or of nobody", () => {
    expect(kinds(judge(texts("a", "c")))).toEqual(["matrix"]);
    expect(kinds(judge(texts("a", "b", "b", "c")))).toEqual(["matrix"]);
    expect(kinds(judge(texts("b", "a", "c")))).toEqual(["matrix"]);
    expect(kinds(judge([...texts("a", "b", "c"), "nobody's"]))).toEqual(["matrix"]);
  });

  test("lets what was written there, and what a cut touched, stand where it stands", () => {
    expect(judge(texts("c", "a", "b"), texts("c"))).toEqual([]);
    expect(judge(texts("a", "c", "b", "b", "gone"), [], texts("b", "gone"))).toEqual([]);
  });
});
