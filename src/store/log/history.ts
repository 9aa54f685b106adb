/**
 * The identity of the database's history, as this process knows it (see `History` in domain/ports/store/store.ts). It is looked
 * at on every new connection, before anything else uses it, and every two seconds: connections may survive a restore.
 *
 * On a new connection after a loss the places that the process holds are compared with the log first: the server may be
 * a replica that lacked the end. Nothing of another history is written or told on top of the one before.
 */

import type { LogPlace } from "../../domain/ports/store/log.ts";
import type { History } from "../../domain/ports/store/store.ts";
import { statementLanguage } from "../sql/connection.ts";
import type { Run, StoreLogger } from "../sql/database.ts";
import { createSql } from "../sql/sql.ts";
import { placesInLog } from "./log.ts";

export interface HistoryOptions {
  /** What is known of the database's place beside what SQL can tell; see causeway_history. */
  place: string | null;
  logger: StoreLogger;
}

export interface KnownHistory extends History {
  /** Before the first use of a connection, and now and then. @param compared whether places have to be compared, too */
  look(run: Run, compared: boolean): Promise<void>;
  /** Looks now and then from now on. */
  watch(run: Run): void;
  stop(): void;
}

const EVERY_MS = 2_000;
/** Places that one statement compares. */
const MAX_PLACES = 5_000;

const WHY: Record<string, string> = {
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
    // In the middle of a restore there is none.
    if (!row?.epoch) return;
    if (row.renewed)
      logger.warn({ event: "history.renewed", epoch: row.epoch }, WHY[row.renewed] ?? row.renewed);
    // Another connection's answer came first, and this one may be older.
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
    for (const places of [...holders].map((held) => held())) {
      for (let start = 0; start < places.length; start += MAX_PLACES) {
        const some = places.slice(start, start + MAX_PLACES);
        const found = await run(placesInLog(sql, some));
        const byId = new Map(found.map((row) => [row.conversationId, row]));
        if (some.some((each) => isLost(each, byId.get(each.conversationId)))) return false;
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
    async look(run, compared) {
      await settle(run, null);
      // Several connections look at once: what they find lost is lost under the epoch of these places.
      const under = epoch;
      if (compared && !(await isWhole(run))) await settle(run, under);
    },
    watch(run) {
      main = run;
      const look = () => {
        if (stopped) return;
        // A look that fails is repeated; who needs the database hears that it is away.
        const again = () => void settle(run, null).then(look, look);
        timer = setTimeout(again, EVERY_MS);
        timer.unref();
      };
      look();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Whether the log lacks the event at a place, or has another one there. A room that is gone lost nothing by it. */
function isLost(place: LogPlace, found: { head: number; at: number | null } | undefined): boolean {
  if (found === undefined || place.seq === 0) return false;
  return found.head < place.seq || (place.at !== 0 && found.at !== place.at);
}
