/** What a failed write says of the event itself. Only what is listed here may end one, or change its form. */
import { DomainError } from "../../src/domain/errors.ts";
import { HomeserverError } from "./homeserver-error.ts";
import { MissingFile } from "./media.ts";

/** What a homeserver says of a reaction that its sender made before. */
const DUPLICATE = "M_DUPLICATE_ANNOTATION";
/** Matrix' codes for an event that is wrong in itself (Client-Server API, "Common error codes"). */
const ABOUT_THE_EVENT = ["M_TOO_LARGE", "M_BAD_JSON", "M_INVALID_PARAM", DUPLICATE];
/** The file storage may be away for long: after so many tries its files are only named. */
const MAX_FILE_TRIES = 6;

/** The same will not be taken, however often it is tried. `failures`: turns of the room that failed since one went well. */
export function isRefusal(error: unknown, failures: number): boolean {
  if (error instanceof HomeserverError) {
    return error.says(...ABOUT_THE_EVENT) || (error.status === 400 && error.says("M_UNKNOWN"));
  }
  return error instanceof MissingFile || (error instanceof DomainError && failures >= MAX_FILE_TRIES);
}

/** The sender may not do this: for as long as they are not in the room, or for ever. */
export function isForbidden(error: unknown): boolean {
  return error instanceof HomeserverError && error.says("M_FORBIDDEN", "M_USER_DEACTIVATED");
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof HomeserverError && error.says(DUPLICATE);
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof HomeserverError && error.says("M_TOO_LARGE");
}
