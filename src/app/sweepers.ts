/**
 * Work that the clock starts: due deletions and lobbies, expired messages, files that were never sent or came by half, rooms that
 * were muted for a time, guests who went away, accounts that are being deleted, empty calls, and expired logins.
 */
import { periodic } from "../domain/periodic.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { UseCases } from "../domain/use-cases/use-cases.ts";
import type { Logger } from "../logger.ts";

const DELETIONS_MS = 5_000;
const LOBBIES_MS = 5_000;
const EXPIRY_MS = 1_000;
const ATTACHMENTS_MS = 60_000;
const UPLOADS_MS = 60_000;
const ACCOUNTS_MS = 2_000;
const CALLS_MS = 10_000;
const MUTED_MS = 1_000;
const GUESTS_MS = 15_000;
const LOGINS_MS = 10 * 60_000;

/** Starts the sweepers; every process may run them. @returns a function that stops them after the sweeps under way */
export function startSweepers(useCases: UseCases, store: Store, logger: Logger): () => Promise<void> {
  const now = () => store.clock.now();
  const options = { logger };
  const sweepers = [
    periodic("scheduled deletions", DELETIONS_MS, () => useCases.chatrooms.sweep(now()), options),
    periodic("lobbies", LOBBIES_MS, () => useCases.roomSettings.sweep(now()), options),
    periodic("expired messages", EXPIRY_MS, () => useCases.timeline.sweep(now()), options),
    periodic("attachments", ATTACHMENTS_MS, () => useCases.attachments.sweep(now()), {
      logger,
      atStart: true,
    }),
    periodic("uploads", UPLOADS_MS, () => useCases.uploads.sweep(now()), { logger, atStart: true }),
    periodic("guests", GUESTS_MS, () => useCases.guests.sweep(), options),
    periodic("muted rooms", MUTED_MS, () => useCases.memberSettings.sweep(), options),
    periodic("deleted accounts", ACCOUNTS_MS, () => useCases.accountDeletions.sweep(), options),
    periodic("calls", CALLS_MS, () => useCases.calls.sweep(), options),
    periodic("logins", LOGINS_MS, () => store.credentials.deleteExpired(now()), options),
  ];
  return async () => {
    await Promise.all(sweepers.map((stop) => stop()));
  };
}
