/**
 * An index of rooms with entries that decay, by time, so that the sweeper finds them although no client reads them. The
 * index may be on another node of a cluster than a room's own keys. Those have a time to live, too, in case an entry of the
 * index is lost.
 */
import { INDEX_MS } from "../lifetimes.ts";
import { groupedBy } from "../lists.ts";
import type { Commands, RedisClient } from "./connection/client.ts";
import { SHARDS } from "./connection/keys.ts";

/** Keys live so much longer than their entries, so that the sweeper comes first. */
export const GRACE_MS = 60_000;
/** Rooms that one step of a sweep reads. */
const MAX_ROOMS = 200;

export interface Deadlines {
  /** Notes that an entry of these rooms decays at `at`. */
  note(roomIds: readonly number[], at: number): Promise<void>;
  /** Calls `sweepOne` for every room that is due. */
  sweep(now: number, sweepOne: SweepOne): Promise<void>;
}

/** Removes decayed entries of a room. @returns when the next entry decays; null for no entry */
type SweepOne = (roomId: number) => Promise<number | null>;

export function createDeadlines(client: RedisClient, kind: "calls" | "active" | "typing"): Deadlines {
  const { keys } = client;
  const indexOf = (roomId: number) => keys.deadlines(kind, roomId % SHARDS);

  /** The earliest deadline stays, so a room whose entry was refreshed is swept once in vain. */
  async function note(commands: Commands, roomIds: readonly number[], at: number): Promise<void> {
    const shards = groupedBy(roomIds, indexOf);
    const notes = [...shards].flatMap(([index, ids]) => [
      commands.send("zadd", index, "LT", ...ids.flatMap((id) => [at, id])),
      commands.send("pexpire", index, INDEX_MS),
    ]);
    await Promise.all(notes);
  }

  async function sweepRoom(id: number, sweepOne: SweepOne): Promise<void> {
    const next = await sweepOne(id);
    if (next !== null) await note(client.background, [id], next);
  }

  async function sweepShard(index: string, now: number, sweepOne: SweepOne): Promise<void> {
    for (;;) {
      const range = [index, "-inf", now, "LIMIT", 0, MAX_ROOMS];
      const due = await client.background.send<string[]>("zrangebyscore", ...range);
      if (due.length === 0) return;
      // Removed before the sweep of the rooms, because entries that come after it are noted again.
      await client.background.send("zrem", index, ...due);
      await Promise.all(due.map((id) => sweepRoom(Number(id), sweepOne)));
    }
  }

  return {
    note: (roomIds, at) => note(client, roomIds, at),
    async sweep(now, sweepOne) {
      const shards = Array.from({ length: SHARDS }, (_, shard) => keys.deadlines(kind, shard));
      await Promise.all(shards.map((index) => sweepShard(index, now, sweepOne)));
    },
  };
}
