/** Tells refusals of an event from outages. Only for the refusals listed here is an event changed or given up. */
import { DomainError } from "../../src/domain/errors.ts";
import { HomeserverError } from "./homeserver-error.ts";
import { MissingFile } from "./media.ts";

/** The error code for a reaction that its sender has already made. */
const DUPLICATE = "M_DUPLICATE_ANNOTATION";
/** Error codes about the event itself (Matrix, Client-Server API, "Common error codes"). */
const ABOUT_THE_EVENT = ["M_TOO_LARGE", "M_BAD_JSON", "M_INVALID_PARAM", DUPLICATE];
/** After this many failures of the file storage a file is replaced by a line of text. */
const MAX_FILE_TRIES = 6;

/** Whether repeating the same write can't succeed. `failures`: turns of the room in a row that failed. */
export function isRefusal(error: unknown, failures: number): boolean {
  if (error instanceof HomeserverError) {
    return error.says(...ABOUT_THE_EVENT) || (error.status === 400 && error.says("M_UNKNOWN"));
  }
  return error instanceof MissingFile || (error instanceof DomainError && failures >= MAX_FILE_TRIES);
}

/** Whether the sender may not do this: they are not in the room, lack the power level, or are deactivated. */
export function isForbidden(error: unknown): boolean {
  return error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_USER_DEACTIVATED");
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof HomeserverError && error.says(DUPLICATE);
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof HomeserverError && error.says("M_TOO_LARGE");
}
