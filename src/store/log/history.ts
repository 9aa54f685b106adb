/**
 * The identity of the database's history, as this process knows it (see `History` in domain/ports/store/store.ts). The
 * process checks it on every new connection before any other statement, and every two seconds, because connections may
 * survive a restore.
 *
 * On a new connection after a loss, the process first compares the places that it holds with the log: the server may be
 * a replica that lacks the last events. So events of two histories are never mixed.
 */

import type { LogPlace } from "../../domain/ports/store/log.ts";
import type { History } from "../../domain/ports/store/store.ts";
import { statementLanguage } from "../sql/connection.ts";
import type { Run, StoreLogger } from "../sql/database.ts";
import { createSql } from "../sql/sql.ts";
import { placesInLog } from "./log.ts";

export interface HistoryOptions {
  /** Identifies the place of the database where SQL can't; see causeway_history. */
  place: string | null;
  logger: StoreLogger;
}

export interface KnownHistory extends History {
  /** Checks the history on a new connection. @param compared whether to compare held places with the log, too */
  check(run: Run, compared: boolean): Promise<void>;
  /** Begins to check every two seconds, through `run`. */
  watch(run: Run): void;
  stop(): void;
}

const EVERY_MS = 2_000;
/** Places that one statement compares. */
const MAX_PLACES = 5_000;

const RENEWAL_TEXTS: Record<string, string> = {
  place:
    "the database is in another place than before (a restore, a copy, another server); it gets a new epoch",
  lost: "the database lacks events that clients have (a replica that lagged, a backup); it gets a new epoch",
};

export function createHistory({ place, logger }: HistoryOptions): KnownHistory {
  const sql = createSql(statementLanguage(), () => Promise.reject(new Error("It runs where `run` says")));
  const listeners = new Set<() => void>();
  const holders = new Set<() => readonly LogPlace[]>();
  let epoch: string | null = null;
  let main: Run | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function settle(run: Run, lost: string | null): Promise<void> {
    const before = epoch;
    const [row] = await run(
      sql<{ epoch: string | null; renewed: string | null }[]>`
        select epoch, renewed from causeway_history(${place}::text, ${lost}::text)`,
    );
    // The table is empty in the middle of a restore.
    if (!row?.epoch) return;
    if (row.renewed)
      logger.warn({ event: "history.renewed", epoch: row.epoch }, RENEWAL_TEXTS[row.renewed] ?? row.renewed);
    // Another connection was answered first, and this answer may be older.
    else if (epoch !== before) return;
    epoch = row.epoch;
    if (before === null || before === epoch) return;
    logger.warn(
      { event: "history.changed", epoch },
      "the history of the database is another one; sessions end, and clients resume",
    );
    for (const listener of [...listeners]) listener();
  }

  async function isWhole(run: Run): Promise<boolean> {
    for (const places of [...holders].map((placesOf) => placesOf())) {
      for (let start = 0; start < places.length; start += MAX_PLACES) {
        const some = places.slice(start, start + MAX_PLACES);
        const found = await run(placesInLog(sql, some));
        const byId = new Map(found.map((row) => [row.roomId, row]));
        if (some.some((each) => isLost(each, byId.get(each.roomId)))) return false;
      }
    }
    return true;
  }

  return {
    get epoch() {
      return epoch as string;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    hold(places) {
      holders.add(places);
      return () => holders.delete(places);
    },
    async lost(under) {
      if (main) await settle(main, under);
    },
    async check(run, compared) {
      await settle(run, null);
      // Several connections check at once. The places belong to this epoch, so a loss is reported under it.
      const under = epoch;
      if (compared && !(await isWhole(run))) await settle(run, under);
    },
    watch(run) {
      main = run;
      const checkLater = () => {
        if (stopped) return;
        // A check that fails is repeated. The monitor reports that the database is away.
        const check = () => void settle(run, null).then(checkLater, checkLater);
        timer = setTimeout(check, EVERY_MS);
        timer.unref();
      };
      checkLater();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Whether the log lacks the event at a place, or has another event there. A deleted room does not count as a loss. */
function isLost(place: LogPlace, found: { head: number; at: number | null } | undefined): boolean {
  if (found === undefined || place.seq === 0) return false;
  return found.head < place.seq || (place.at !== 0 && found.at !== place.at);
}
