/**
 * What can go wrong with a database, told in the words of the domain. Only this file knows SQLSTATE codes and the
 * driver's error codes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { backoffMs } from "../../domain/backoff.ts";
import { DomainError, unavailable } from "../../domain/errors.ts";
import type { StoreTrouble } from "../../domain/ports/store/store-health.ts";

/** No connection, or it broke while a statement ran on it. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  /** What it says about the server; null: nothing, all connections of this process were busy. */
  readonly trouble: StoreTrouble | null;

  constructor(message: string, options: ErrorOptions = {}, trouble: StoreTrouble | null = "away") {
    super(message, options);
    this.trouble = trouble;
  }
}

/** The connection broke while a transaction was being committed: it may be stored or not. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
}

/** Which input a broken unique constraint stands for, and what to tell. */
const CONFLICTS: Record<string, { field: string; message: string }> = {
  users_handle: { field: "handle", message: "handle is in use; choose another one" },
  users_email: { field: "email", message: "email is in use by another user" },
  conversations_name: { field: "name", message: "name is taken by another chatroom of the organization" },
  conversations_default: {
    field: "organizationId",
    message: "the organization has a default chatroom already",
  },
  conversations_event: { field: "eventId", message: "the event has a chatroom already" },
};

const PAUSES = { firstMs: 25, maxMs: 1_000, jitter: 0.5 };
/** SQLSTATEs, or their classes, after which another attempt can succeed without any change. */
const AWAY = ["08", "53", "57", "58", "25006", "25P03", "25P04", "55P03"];
const CROSSED = ["40001", "40P01"];

/** Deadlock or serialization failure: the transaction was undone and may be run again at once. */
export function isCrossed(error: unknown): boolean {
  return error instanceof postgres.PostgresError && CROSSED.includes(error.code);
}

/** Whether the database, not the statement, is the cause. The outcome of the statement is unknown. */
export function isAway(error: unknown): boolean {
  if (error instanceof postgres.PostgresError) return AWAY.some((code) => error.code.startsWith(code));
  return error instanceof ConnectionLost;
}

/** SQLSTATEs that say something about the server, not about a statement or a lock. */
const TROUBLES: readonly (readonly [code: string, trouble: StoreTrouble])[] = [
  ["25006", "read_only"],
  ["53100", "full"],
  ["08", "away"],
  ["53", "away"],
  ["57P", "away"],
  ["58", "away"],
];

/** What the error says about the server; null: nothing. */
export function troubleOf(error: unknown): StoreTrouble | null {
  if (error instanceof OutcomeUnknown) return troubleOf(error.cause);
  if (error instanceof ConnectionLost) return error.trouble;
  if (!(error instanceof postgres.PostgresError)) return null;
  return TROUBLES.find(([code]) => error.code.startsWith(code))?.[1] ?? null;
}

/** After these the session is not what it was taken for: its server became a standby; it is left in a failed transaction. */
const BREAKING = ["25006", "25P02"];

/** Whether a connection that raised this can still be used: only ordinary errors of statements leave it whole. */
export function breaksConnection(error: unknown): boolean {
  if (!(error instanceof postgres.PostgresError)) return true;
  return error.severity_local !== "ERROR" || BREAKING.includes(error.code);
}

/** The domain's word for an error of the database; an error that is none of these is a defect and stays as it is. */
export function asDomainError(error: unknown): unknown {
  if (isAway(error) || isCrossed(error) || error instanceof OutcomeUnknown) return databaseAway(error);
  if (!(error instanceof postgres.PostgresError)) return error;
  const { code, constraint_name: constraint = "" } = error;
  if (code === "23505") {
    const known = CONFLICTS[constraint];
    return new DomainError("conflict", known?.message, known ? { field: known.field } : {});
  }
  if (code === "23503")
    return new DomainError("conflict", "something else refers to this, or what it refers to is gone");
  if (code === "22021" || code === "22P05")
    return new DomainError("bad_request", "text must be valid Unicode without NUL characters");
  if (code === "22003" || code === "22P02")
    return new DomainError("bad_request", "a number is no int64, or another value has the wrong form");
  return error;
}

export function databaseAway(cause: unknown): DomainError {
  return unavailable("The database can't be reached", cause, 1_000);
}

/**
 * Repeats `work` while the database is away (or transactions crossed), with growing pauses, for at most `forMs`.
 * `work` learns which attempt it is (0 is the first). Throws what the last attempt threw.
 */
export async function repeated<T>(forMs: number, work: (attempt: number) => Promise<T>): Promise<T> {
  const end = performance.now() + forMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (!isAway(error) && !isCrossed(error)) throw error;
      const pause = backoffMs(PAUSES, attempt);
      if (performance.now() + pause > end) throw error;
      await sleep(pause);
    }
  }
}
