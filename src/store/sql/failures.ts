/**
 * Translates failures of a database into the domain's errors. Only this file knows SQLSTATE codes and the driver's error
 * codes.
 */
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { backoffMs } from "../../domain/backoff.ts";
import { DomainError, unavailable } from "../../domain/errors.ts";
import type { StoreTrouble } from "../../domain/ports/store-health.ts";

/** No connection, or it broke while a statement ran on it. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  /** The trouble of the server; null where the server is fine, and all connections of this process were busy. */
  readonly trouble: StoreTrouble | null;

  constructor(message: string, options: ErrorOptions = {}, trouble: StoreTrouble | null = "away") {
    super(message, options);
    this.trouble = trouble;
  }
}

/** The connection broke during a commit: the transaction may be stored or not. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
}

/** The input field and the message for each unique constraint. */
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
/** SQLSTATEs, or their classes, after which the same attempt can succeed later. */
const AWAY = ["08", "53", "57", "58", "25006", "25P03", "25P04", "55P03"];
const CROSSED = ["40001", "40P01"];

/** A deadlock or a serialization failure: the server undid the transaction, which may run again at once. */
export function isCrossed(error: unknown): boolean {
  return error instanceof postgres.PostgresError && CROSSED.includes(error.code);
}

/** Whether the database is the cause, and not the statement. The outcome of the statement is unknown then. */
export function isAway(error: unknown): boolean {
  if (error instanceof postgres.PostgresError) return AWAY.some((code) => error.code.startsWith(code));
  return error instanceof ConnectionLost;
}

/** SQLSTATEs about the server, not about a statement or a lock. */
const TROUBLES: readonly (readonly [code: string, trouble: StoreTrouble])[] = [
  ["25006", "read_only"],
  ["53100", "full"],
  ["08", "away"],
  ["53", "away"],
  ["57P", "away"],
  ["58", "away"],
];

/** The trouble of the server that the error shows; null for none. */
export function troubleOf(error: unknown): StoreTrouble | null {
  if (error instanceof OutcomeUnknown) return troubleOf(error.cause);
  if (error instanceof ConnectionLost) return error.trouble;
  if (!(error instanceof postgres.PostgresError)) return null;
  return TROUBLES.find(([code]) => error.code.startsWith(code))?.[1] ?? null;
}

/** After these the session is unusable: its server became a standby, or it is left in a failed transaction. */
const BREAKING = ["25006", "25P02"];

/** Whether the error makes its connection unusable. Only ordinary errors of statements leave it usable. */
export function breaksConnection(error: unknown): boolean {
  if (!(error instanceof postgres.PostgresError)) return true;
  return error.severity_local !== "ERROR" || BREAKING.includes(error.code);
}

/** The domain's error for an error of the database. Any other error is a defect and stays as it is. */
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
 * @param work gets the number of the attempt, from 0
 * @throws the error of the last attempt
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
