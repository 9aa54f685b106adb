/** What can go wrong with Redis, told in the words of the domain. */
import { ReplyError } from "ioredis";
import { DomainError, unavailable } from "../../../domain/errors.ts";

/** Replies that tell of a defect of ours. Every other error (loading, failing over, out of memory, …) can pass. */
const DEFECTS = /^(ERR|WRONGTYPE|CROSSSLOT|EXECABORT)\b/;

/** Replies that tell of a wrong setting, which no waiting cures. */
const REFUSALS = /^(ERR|WRONGPASS|NOAUTH|NOPERM)\b/;

export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error instanceof ReplyError && REFUSALS.test(error.message);
}

/** The domain's word for an error of the driver; a defect stays as it is. */
export function asDomainError(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const isDefect = error instanceof Error && error instanceof ReplyError && DEFECTS.test(error.message);
  return isDefect ? error : redisAway(error);
}

export function redisAway(cause: unknown): DomainError {
  return unavailable("Redis can't be reached", cause, 1_000);
}
