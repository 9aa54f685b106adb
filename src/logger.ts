/** Structured logs: one JSON object a line, on stderr. Fields that hold secrets are replaced before a line is written. */
import { pino } from "pino";
import type { Config } from "./config.ts";
import { DomainError } from "./domain/errors.ts";

/** The fields of a line. `event` is its stable name, a literal such as "store.writable"; LOG-EVENTS.md lists all of them. */
export interface LogFields {
  event: string;
  [field: string]: unknown;
}

/** The log of the process. The message says what failed, for what, and what happens next. */
export interface Logger {
  fatal(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  /** A logger whose lines all have these fields, too. */
  child(fields: { part: string }): Logger;
}

const SECRET_FIELDS = [
  "token",
  "password",
  "secret",
  "authorization",
  "cookie",
  "accessToken",
  "refreshToken",
];

/** Lines that can't be written at once wait in memory up to this size. Later lines are dropped. */
const MAX_UNWRITTEN_BYTES = 1_048_576;

export function createLogger(level: Config["LOG_LEVEL"]): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  const output = pino.destination({ dest: 2, maxLength: MAX_UNWRITTEN_BYTES });
  // The disk is full or the reader has ended. Lines are lost, and the chat goes on.
  output.on("error", () => {});
  const serializers = { err: shownError };
  return pino({ level, base: null, serializers, redact: { paths, censor: "[secret]" } }, output);
}

/** Outages and refusals are expected, so their message is enough. Other errors are logged with their stack. */
export function shownError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isExpected = error instanceof DomainError || "syscall" in error;
  if (!isExpected) return pino.stdSerializers.err(error);
  return { type: error.name, message: error.message, ...("code" in error && { code: error.code }) };
}
