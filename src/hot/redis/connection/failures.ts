/** Translates failures of Redis into the domain's errors. */
import { ReplyError } from "ioredis";
import { DomainError, unavailable } from "../../../domain/errors.ts";

/** Replies that show a defect of Causeway. Any other error (loading, failing over, out of memory, …) may pass. */
const DEFECTS = /^(ERR|WRONGTYPE|CROSSSLOT|EXECABORT)\b/;

/** Replies that show a wrong setting. Waiting does not help. */
const REFUSALS = /^(ERR|WRONGPASS|NOAUTH|NOPERM)\b/;

export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error instanceof ReplyError && REFUSALS.test(error.message);
}

/** The domain's error for an error of the driver; a defect stays as it is. */
export function asDomainError(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const isDefect = error instanceof Error && error instanceof ReplyError && DEFECTS.test(error.message);
  return isDefect ? error : redisAway(error);
}

export function redisAway(cause: unknown): DomainError {
  return unavailable("Redis can't be reached", cause, 1_000);
}
