/** [GW-15.1] The entries of rooms, as objects and as JSON. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LoggedEvent } from "../../../src/domain/model.ts";
import type { RoomAtAGlance, SessionRoom } from "../../../src/domain/ports/store/room-lists.ts";
import type { RoomEntryView } from "../../../src/domain/use-cases/room-entries.ts";
import { createEntryShape } from "../../../src/gateway/frames/room-entry.ts";

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const seq = fc.nat(100);
const mayBe = <T>(value: fc.Arbitrary<T>) => fc.option(value);

const last: fc.Arbitrary<LoggedEvent> = fc.record({
  ...{ roomId: fc.constant(7), room: fc.constant("abc"), seq, type: fc.constant("message" as const) },
  ...{ id: mayBe(text), at: fc.nat(), dataJson: text.map((words) => JSON.stringify({ text: words })) },
  actor: fc.record({ kind: fc.constant("user" as const), id: fc.constant("1"), name: text }),
});

const shown: fc.Arbitrary<RoomAtAGlance> = fc.record({
  ...{ uuid: fc.uuid(), publicId: fc.constant("key"), matrixRoomId: mayBe(text), organizationId: mayBe(seq) },
  ...{ type: fc.constantFrom("group", "public", "one_to_one"), name: text, description: mayBe(text) },
  ...{ avatarId: mayBe(fc.uuid()), avatarUrl: mayBe(fc.webUrl()), readOnly: fc.boolean() },
  ...{ posting: fc.constantFrom("all", "moderators"), messageTimer: mayBe(seq), guestCode: mayBe(fc.uuid()) },
  ...{
    request: fc.boolean(),
    hasPassword: fc.boolean(),
    members: seq,
    pinnedSeq: mayBe(seq),
    last: mayBe(last),
  },
});

const settings: fc.Arbitrary<SessionRoom["settings"]> = fc.record({
  ...{ muted: fc.boolean(), mutedUntil: mayBe(seq), pinned: fc.boolean(), archivedAt: mayBe(seq) },
  ...{ favourite: fc.boolean(), unreadMark: fc.boolean() },
  notificationLevel: fc.constantFrom("default", "always", "mention", "never"),
});

const peer = fc.record({
  ...{ id: seq, uuid: fc.uuid(), publicId: text, handle: text, displayName: text, status: fc.constant("") },
  avatarId: mayBe(fc.uuid()),
});

/** What is one member's own. */
const own = fc.record({
  ...{ rev: seq, role: fc.constantFrom("owner", "moderator", "user"), historyFrom: seq, settings },
  ...{ read: seq, delivered: seq, unread: seq, mentions: seq, peer: mayBe(peer) },
  ...{ lastPing: fc.nat(), call: fc.nat(7), waiting: fc.boolean() },
});

function viewOf(shown: RoomAtAGlance, mine: typeof own extends fc.Arbitrary<infer T> ? T : never) {
  const { lastPing, call, waiting, ...rest } = mine;
  const seesLast = shown.last !== null && shown.last.seq > mine.historyFrom;
  const room = {
    ...{ id: 7, token: "abc", shown, history: "joined", lobby: waiting, lobbyUntil: waiting ? 5 : null },
    ...{ joinedSeq: 1, head: 100, at: 1, askedAt: null, last: seesLast ? shown.last : null, ...rest },
  };
  return { room, shown, lastPing, call, waiting } as unknown as RoomEntryView;
}

describe("the entry of a room", () => {
  test("is in JSON what it is as an object, for each of the members who share the room's part", () => {
    const fileLinks = { file: () => "", period: () => 0 } as never;
    const around = {
      publicUrl: () => "https://chat.example",
      matrixIdOf: (id: number) => `@${id}:m.example`,
    };
    const entries = createEntryShape({ roomEntries: {} as never, fileLinks }, around);
    const members = fc.array(own, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(shown, members, (part, all) => {
        for (const mine of all) {
          const view = viewOf(part as RoomAtAGlance, mine);
          expect(JSON.parse(entries.json(view))).toEqual(JSON.parse(JSON.stringify(entries.shape(view))));
        }
      }),
    );
  });
});
