/** Whom a commit is told to, in which order, and that its frames are made once. */
import { expect, test } from "vitest";
import type { LoggedEvent } from "../../../src/domain/model.ts";
import { type Commit, CommitPublisher } from "../../../src/gateway/frames/commit-publisher.ts";
import { eventJson } from "../../../src/gateway/frames/encoded-event.ts";

const MEMBER = { kind: "user", id: "12", name: "Zoë" } as const;
const JOINED: LoggedEvent = {
  ...{ roomId: 7, room: "a2b3c4d5", seq: 2, type: "member.joined", id: null, at: 5, actor: MEMBER },
  dataJson: JSON.stringify({ member: MEMBER, role: "user" }),
};
const MESSAGE: LoggedEvent = { ...JOINED, seq: 3, type: "message", id: "k-1", dataJson: '{"text":"hello"}' };
const ELSEWHERE: LoggedEvent = { ...MESSAGE, roomId: 8, room: "e6f7g8h9", seq: 1 };
const EVENTS = [JOINED, MESSAGE, ELSEWHERE];

/** A publisher with what it told, in order. */
function listening() {
  const told: [receiver: string, news: unknown][] = [];
  const failures: object[] = [];
  let commit: (events: LoggedEvent[]) => void = () => {};
  const publisher = new CommitPublisher({
    store: {
      onCommitted(listener) {
        commit = listener;
      },
    },
    bus: { publish: (channel, message) => void told.push([channel, Buffer.from(message).toString()]) },
    logger: { error: (fields: object) => void failures.push(fields) },
  });
  return { publisher, told, failures, commit: (events: LoggedEvent[]) => commit(events) };
}

test("a commit goes to this process's sessions, the bus, the bridges and the webhooks, in this order", () => {
  const { publisher, told, commit } = listening();
  publisher.onCommitted((events) => void told.push(["webhooks", events]));
  publisher.deliverWith((one) => void told.push(["sessions", one]));
  commit(EVENTS);
  const frames = EVENTS.map(eventJson);
  const hint = { hint: "joined", roomId: 7, room: "a2b3c4d5", seq: 2 };
  expect(told).toEqual([
    ["sessions", { events: EVENTS, frames }],
    ["room:7", `${frames[0]}\n${frames[1]}`],
    ["room:8", frames[2]],
    ["user:12", JSON.stringify(hint)],
    ["bridge", "[7,8]"],
    ["webhooks", EVENTS],
  ]);
});

test("the frames of a commit are made once, for the sessions and for the bus", () => {
  const { publisher, commit } = listening();
  let encodings = 0;
  const counted: LoggedEvent = {
    ...MESSAGE,
    get dataJson() {
      encodings++;
      return '{"text":"hello"}';
    },
  };
  let handed: Commit | null = null;
  publisher.deliverWith((one) => {
    handed = one;
  });
  commit([counted]);
  expect(handed).toMatchObject({ frames: [eventJson(MESSAGE)] });
  expect(encodings).toBe(1);
});

test("a receiver that fails keeps no other receiver from being told", () => {
  const { publisher, told, failures, commit } = listening();
  publisher.deliverWith(() => {
    throw new Error("no");
  });
  commit([MESSAGE]);
  expect(told.map(([channel]) => channel)).toEqual(["room:7", "bridge"]);
  expect(failures).toMatchObject([
    { event: "commits.receiver_failed", receiver: "sessions of this process" },
  ]);
});
