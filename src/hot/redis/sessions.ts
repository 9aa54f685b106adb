/**
 * Sessions are stored with their user, for `ofUser`. An index over all sessions, in shards by session id, counts them, finds
 * the user of a session, and shows the sweeper which sessions decayed.
 */
import type { SessionEntry, SessionRegistry } from "../../domain/ports/hot.ts";
import { INDEX_MS } from "../lifetimes.ts";
import { groupedBy, pairs, sum } from "../lists.ts";
import type { Commands, RedisClient } from "./connection/client.ts";
import { SHARDS, shardOf } from "./connection/keys.ts";
import { GRACE_MS } from "./deadlines.ts";

/** Sessions that one step of a sweep removes. */
const MAX_SWEPT_SESSIONS = 500;
const SHARD_NUMBERS = Array.from({ length: SHARDS }, (_, shard) => shard);

export function createRedisSessions(
  client: RedisClient,
): SessionRegistry & { sweep(now: number): Promise<number> } {
  const { keys } = client;
  function putWithUsers(entries: SessionEntry[], until: number, ttlMs: number): Promise<unknown>[] {
    return client.together(entries).map((some) => {
      const values = some.flatMap((entry) => [entry.id, `${until} ${JSON.stringify(entry)}`]);
      const users = some.map(({ userId }) => keys.sessionsOfUser(userId));
      return client.run("session-put", users, [ttlMs + GRACE_MS, ...values]);
    });
  }

  function putInShard(shard: number, entries: SessionEntry[], until: number): Promise<unknown>[] {
    const [deadlines, users] = [keys.sessionDeadlines(shard), keys.sessionUsers(shard)];
    return [
      client.send("zadd", deadlines, ...entries.flatMap(({ id }) => [until, id])),
      client.send("hset", users, ...entries.flatMap(({ id, userId }) => [id, userId])),
      ...[deadlines, users].map((index) => client.send("pexpire", index, INDEX_MS)),
    ];
  }

  /** @param decayedBy keeps sessions that were refreshed and decay later; "inf" removes all */
  function dropFromUsers(
    commands: Commands,
    found: [id: string, userId: string][],
    decayedBy: number | "inf",
  ) {
    return client.together(found).map((some) => {
      const users = some.map(([, userId]) => keys.sessionsOfUser(Number(userId)));
      return commands.run("session-drop", users, [decayedBy, ...some.map(([id]) => id)]);
    });
  }

  async function removeFromShard(shard: number, ids: string[]): Promise<void> {
    const users = await client.send<(string | null)[]>("hmget", keys.sessionUsers(shard), ...ids);
    const found = ids.flatMap((id, i): [string, string][] => (users[i] ? [[id, users[i]]] : []));
    await Promise.all([
      ...dropFromUsers(client, found, "inf"),
      client.send("zrem", keys.sessionDeadlines(shard), ...ids),
      client.send("hdel", keys.sessionUsers(shard), ...ids),
    ]);
  }

  async function sweepShard(shard: number, now: number): Promise<number> {
    const index = [keys.sessionDeadlines(shard), keys.sessionUsers(shard)];
    for (let total = 0; ; ) {
      const flat = await client.background.run<string[]>("session-sweep", index, [now, MAX_SWEPT_SESSIONS]);
      const found = pairs(flat);
      await Promise.all(dropFromUsers(client.background, found, now));
      total += found.length;
      if (found.length < MAX_SWEPT_SESSIONS) return total;
    }
  }

  return {
    async put(entries, ttlMs) {
      const until = client.now() + ttlMs;
      const shards = groupedBy(entries, ({ id }) => shardOf(id));
      await Promise.all([
        ...putWithUsers(entries, until, ttlMs),
        ...[...shards].flatMap(([shard, own]) => putInShard(shard, own, until)),
      ]);
    },
    async remove(ids) {
      const shards = groupedBy(ids, shardOf);
      await Promise.all([...shards].map(([shard, own]) => removeFromShard(shard, own)));
    },
    async ofUser(userId) {
      const values = await client.send<string[]>("hvals", keys.sessionsOfUser(userId));
      const at = client.now();
      return values.flatMap((value) => {
        const space = value.indexOf(" ");
        const live = Number(value.slice(0, space)) > at;
        return live ? [JSON.parse(value.slice(space + 1)) as SessionEntry] : [];
      });
    },
    async count() {
      const after = `(${client.now()}`;
      const counts = SHARD_NUMBERS.map((shard) =>
        client.send<number>("zcount", keys.sessionDeadlines(shard), after, "+inf"),
      );
      return sum(await Promise.all(counts));
    },
    sweep: async (now) => sum(await Promise.all(SHARD_NUMBERS.map((shard) => sweepShard(shard, now)))),
  };
}
