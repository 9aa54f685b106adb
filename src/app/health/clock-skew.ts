/**
 * Watches how far this process's wall clock is from the clocks of the database and of Redis. Causeway makes no decision by
 * its wall clock (see domain/ports/clock.ts), but certificates, tokens of outside issuers and logs depend on it.
 */
import { Gauge, type Registry } from "prom-client";
import { periodic } from "../../domain/periodic.ts";
import type { HotState } from "../../domain/ports/hot.ts";
import type { Store } from "../../domain/ports/store/store.ts";
import type { Logger } from "../../logger.ts";

export interface ClockSkewOptions {
  store: Pick<Store, "clock">;
  hot: Pick<HotState, "time">;
  logger: Pick<Logger, "info" | "warn" | "error">;
  registry: Registry;
}

const EVERY_MS = 60_000;
/** A larger skew is logged. */
const MAX_SILENT_SKEW_MS = 2_000;
/** A larger skew refuses the start. */
const MAX_START_SKEW_MS = 60_000;

type Part = "store" | "hot";
const NAMES: Record<Part, string> = { store: "the database", hot: "Redis" };

/**
 * Checks the clocks at once, and then every {@link EVERY_MS}.
 * @returns a function that stops it
 * @throws Error that names the clock, when one is more than a minute off
 */
export async function watchClockSkew(options: ClockSkewOptions): Promise<() => Promise<void>> {
  const { logger, registry } = options;
  const gauge = new Gauge({
    name: "causeway_clock_skew_seconds",
    help: "How far this process's clock is ahead of a part's",
    labelNames: ["part"],
    registers: [registry],
  });
  const skewed = new Set<Part>();

  async function check(): Promise<Map<Part, number>> {
    const skews = await skewsOf(options);
    for (const [part, ms] of skews) {
      gauge.set({ part }, ms / 1_000);
      if (isOff(ms) && !skewed.has(part)) {
        skewed.add(part);
        logger.warn(
          { event: "clock.skewed", part, skew_ms: ms },
          `this process's clock is ${difference(part, ms)}; check NTP`,
        );
      } else if (!isOff(ms) && skewed.delete(part)) {
        logger.info(
          { event: "clock.agrees", part, skew_ms: ms },
          `this process's clock agrees with ${NAMES[part]}'s again`,
        );
      }
    }
    return skews;
  }

  for (const [part, ms] of await check()) {
    if (Math.abs(ms) > MAX_START_SKEW_MS) {
      throw new Error(
        `This machine's clock is ${difference(part, ms)}: more than a minute is refused. Set the clocks (NTP)`,
      );
    }
  }
  return periodic("clock skew", EVERY_MS, check, { logger });
}

/** How many ms this process is ahead of each part. Parts that are away or have no clock are left out. */
async function skewsOf({ store, hot }: ClockSkewOptions): Promise<Map<Part, number>> {
  const skews = new Map<Part, number>([["store", Date.now() - store.clock.now()]]);
  const askedAt = performance.now();
  const time = await hot.time().catch(() => null);
  if (time !== null) skews.set("hot", Math.round(Date.now() - (performance.now() - askedAt) / 2 - time));
  return skews;
}

function isOff(ms: number): boolean {
  return Math.abs(ms) > MAX_SILENT_SKEW_MS;
}

function difference(part: Part, ms: number): string {
  return `${(Math.abs(ms) / 1_000).toFixed(1)} s ${ms > 0 ? "ahead of" : "behind"} ${NAMES[part]}'s`;
}
