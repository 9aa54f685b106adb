/** How long the rooms of a killed bridge belong to nobody who lives. */
import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../parts/database.ts";

const LOOK_MS = 250;
const LIMIT_MS = 30_000;

interface Row {
  token: string;
  owner: string;
  expires: string;
}

/**
 * To be called when a bridge was killed: until the last room that a process had then, which gave no sign of life since, is
 * free or another's, ms. A process that lives counts until its first sign, 3 s at most; 0: no room was anybody's.
 */
export async function takeover({ pair, name }: Database): Promise<number> {
  const owned = () =>
    pair.primary.query<Row & Record<string, unknown>>(
      `select b.token, b.owner, coalesce(w.expires_at, 0)::text as expires
       from bridge_rooms b left join bridge_workers w on w.node = b.owner where b.owner is not null`,
      name,
    );
  const keyOf = ({ token, owner, expires }: Row) => `${token} ${owner} ${expires}`;
  const began = performance.now();
  const stuck = new Set((await owned()).map(keyOf));
  if (stuck.size === 0) return 0;
  while (performance.now() - began < LIMIT_MS) {
    const now = (await owned()).map(keyOf);
    if (!now.some((key) => stuck.has(key))) break;
    await delay(LOOK_MS);
  }
  return performance.now() - began;
}
