/** What happened to a user's rooms and connections while they were away. Part of {@link UseCases}. */
import type { Journal } from "../ports/store/journal.ts";

/** The journal judges by itself what a reader may be told; see there. */
export type JournalUseCases = Omit<Journal, "uuids">;
