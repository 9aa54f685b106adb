/**
 * What is carried out by the clock: due deletions and lobbies, messages that expire, files that nobody sent, guests who
 * went away, calls that nobody is in any more, logins that ran out.
 */
import type { Store } from "./domain/ports/store.ts";
import type { UseCases } from "./domain/use-cases/use-cases.ts";
import type { Logger } from "./logger.ts";

const DELETIONS_MS = 5_000;
const LOBBIES_MS = 5_000;
const EXPIRY_MS = 1_000;
const ATTACHMENTS_MS = 60_000;
const CALLS_MS = 10_000;
const GUESTS_MS = 15_000;
const LOGINS_MS = 10 * 60_000;

/** Every process may run them at once. @returns how to stop; it waits for a sweep that is under way */
export function startSweepers(useCases: UseCases, store: Store, logger: Logger): () => Promise<void> {
  const sweepers = [
    repeat("scheduled deletions", DELETIONS_MS, () => useCases.chatrooms.sweep(store.clock.now()), logger),
    repeat("lobbies", LOBBIES_MS, () => useCases.roomSettings.sweep(store.clock.now()), logger),
    repeat("expired messages", EXPIRY_MS, () => useCases.timeline.sweep(store.clock.now()), logger),
    repeat("attachments", ATTACHMENTS_MS, () => useCases.attachments.sweep(store.clock.now()), logger, true),
    repeat("guests", GUESTS_MS, () => useCases.participants.sweep(), logger),
    repeat("calls", CALLS_MS, () => useCases.calls.sweep(), logger),
    repeat("logins", LOGINS_MS, () => store.accounts.deleteExpired(store.clock.now()), logger),
  ];
  return async () => {
    await Promise.all(sweepers.map((stop) => stop()));
  };
}

function repeat(
  name: string,
  everyMs: number,
  work: () => Promise<unknown>,
  logger: Logger,
  atStart = false,
): () => Promise<void> {
  let current: Promise<unknown> | null = null;
  /** An outage is told at its beginning and at its end. */
  let isFailing = false;
  const run = () => {
    current ??= work()
      .then(() => {
        if (isFailing) logger.info({ event: "sweep.recovered", sweep: name }, "a sweep works again");
        isFailing = false;
      })
      .catch((error: unknown) => {
        if (!isFailing)
          logger.warn({ event: "sweep.failed", err: error, sweep: name }, "a sweep fails; it is tried again");
        isFailing = true;
      })
      .finally(() => {
        current = null;
      });
  };
  if (atStart) run();
  const timer = setInterval(run, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await current;
  };
}
