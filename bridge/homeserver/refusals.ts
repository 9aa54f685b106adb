/** Tells refusals of an event from outages. Only for the refusals listed here is an event changed or given up. */
import { DomainError } from "../../src/domain/errors.ts";
import { cleanText } from "../mapping/matrix-events.ts";
import { HomeserverError } from "./homeserver-error.ts";
import { MissingFile } from "./media.ts";

/** Characters of a reason that are kept. */
const MAX_REASON = 1_000;
/** After this many failures of the file storage a file is replaced by a line of text. */
const MAX_FILE_TRIES = 6;

/** Whether repeating the same write can't succeed. `failures`: turns of the room in a row that failed. */
export function isRefusal(error: unknown, failures: number): boolean {
  if (error instanceof HomeserverError) return error.meaning === "event" || error.meaning === "done";
  return error instanceof MissingFile || (error instanceof DomainError && failures >= MAX_FILE_TRIES);
}

/** After this many failures of a room in a row, what fails by a defect of ours is put aside. */
const MAX_OWN_TRIES = 5;

/**
 * Whether a defect of the bridge itself is the reason, and not the first failures of the room: nobody answered wrongly, and
 * repeating it helps no more. `failures` as of {@link isRefusal}.
 */
export function isOwnFault(error: unknown, failures: number): boolean {
  const isOthers =
    error instanceof HomeserverError || error instanceof DomainError || error instanceof MissingFile;
  return !isOthers && failures >= MAX_OWN_TRIES;
}

/** A dead letter's reason for what {@link isOwnFault}. */
export class OwnFault extends Error {
  override readonly name = "OwnFault";
  constructor(cause: unknown) {
    super(`The bridge's own fault: ${String(cause)}`, { cause });
  }
}

/** Whether the sender or member may not do this: they are not in the room, lack the power level, or are deactivated. */
export function isForbidden(error: unknown): boolean {
  return error instanceof HomeserverError && error.meaning === "member";
}

/** Whether what was asked for is so already, as with a reaction that its sender has made. */
export function isDone(error: unknown): boolean {
  return error instanceof HomeserverError && error.meaning === "done";
}

/** Whether what the request names is not there, so that there is nothing to take back. */
export function isAbsent(error: unknown): boolean {
  return error instanceof HomeserverError && error.meaning === "absent";
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof HomeserverError && error.says("M_TOO_LARGE");
}

/** Why something was refused or failed, as dead letters and rooms keep it. The words may be the homeserver's. */
export function whyOf(error: unknown): { errcode: string | null; reason: string } {
  const words = error instanceof Error ? error.message : String(error);
  const errcode = error instanceof HomeserverError ? error.errcode : null;
  const plain = (text: string) => cleanText(text).slice(0, MAX_REASON);
  return { errcode: errcode === null ? null : plain(errcode), reason: plain(words) };
}
