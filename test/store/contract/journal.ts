/** What the journal promises: everything that was committed, once, in the order of time, up to a horizon. */
import { expect, test } from "vitest";
import type { JournalPlace } from "../../../src/domain/model.ts";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import { createPerson, createRoom, join, type StoredRoom } from "../fixtures.ts";

export function journalContract(store: () => Store): void {
  const rename = (room: StoredRoom, name: string) =>
    store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.appendEvents(room.id, [
        { type: "room.changed", actor: room.people[0]!.actor, data: { name } },
      ]);
    });
  const page = async (userId: number, horizon: number, after: JournalPlace | null = null, limit = 100) =>
    (await store().journal.pages([{ userId, after }], { horizon, limit }))[0] ?? [];
  const names = (events: readonly { dataJson: string }[]) =>
    events.flatMap(({ dataJson }) => JSON.parse(dataJson).name ?? []);

  test("a horizon is behind everything that was committed before, and before what comes", async () => {
    const room = await createRoom(store());
    const reader = room.people[0]!.id;
    for (let n = 0; n < 20; n++) {
      await rename(room, `Name ${n}`);
      const horizon = await store().journal.horizon();
      await rename(room, "Not yet");
      expect(names(await page(reader, horizon)).at(-1)).toBe(`Name ${n}`);
    }
  });

  test("pages of several readers go on from each one's place, and no page misses what follows it", async () => {
    const [one, two] = [await createRoom(store()), await createRoom(store())];
    const readers = [one.people[0]!.id, two.people[0]!.id, one.people[0]!.id];
    for (let n = 0; n < 5; n++) await Promise.all([rename(one, `One ${n}`), rename(two, `Two ${n}`)]);
    const horizon = await store().journal.horizon();
    const [all = []] = await store().journal.pages([{ userId: readers[0]!, after: null }], {
      ...{ horizon, limit: 100 },
    });
    const pages = await store().journal.pages(
      readers.map((userId, i) => ({ userId, after: i === 2 ? (all.at(-3) ?? null) : null })),
      { horizon, limit: 100 },
    );
    const told = (prefix: string) => [0, 1, 2, 3, 4].map((n) => `${prefix} ${n}`);
    expect(pages.map((events) => names(events.filter(({ type }) => type === "room.changed")))).toEqual([
      ...[told("One"), told("Two"), told("One").slice(-2)],
    ]);
    const walked = [];
    for (let after: JournalPlace | null = null; ; ) {
      const next = await page(readers[0]!, horizon, after, 2);
      walked.push(...next);
      after = next.at(-1) ?? null;
      if (next.length < 2) break;
    }
    expect(walked).toEqual(all);
  });

  test("who joins a room with shared history is told of what happened from then on", async () => {
    const room = await createRoom(store(), { history: "shared" });
    await rename(room, "Before");
    const late = await createPerson(store(), "Late");
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await join(tx, room.id, [late]);
    });
    await rename(room, "After");
    const events = await page(late.id, await store().journal.horizon());
    expect(events.map(({ type }) => type)).toEqual(["member.joined", "room.changed"]);
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.removeMembers(room.id, [late.key]);
    });
    const left = await page(late.id, await store().journal.horizon());
    expect(left).toEqual(events);
  });
}
