/** Announces what ended by itself in hot state: typing, presence, calls. */
import { type PeriodicOptions, periodic } from "../../domain/periodic.ts";
import type { Decay } from "../../domain/use-cases/live.ts";

/** A user who stopped typing without saying so is shown as typing at most this much longer. */
const TYPING_MS = 1_000;
const OTHERS_MS = 5_000;

/** Every gateway looks, and one of them announces each end. @returns how to stop */
export function startDecay(decay: Decay, logger: PeriodicOptions["logger"]): () => Promise<void> {
  const stops = [
    periodic("typing that ended", TYPING_MS, () => decay.typing(), { logger }),
    periodic(
      "presence and calls that ended",
      OTHERS_MS,
      () => Promise.all([decay.presence(), decay.calls()]),
      {
        logger,
      },
    ),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}
