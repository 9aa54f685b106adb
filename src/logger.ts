/** Structured logs, one JSON object a line on stderr. Fields that hold secrets are cut out before anything is written. */
import { type Logger as Pino, pino } from "pino";
import type { Config } from "./config.ts";
import { DomainError } from "./domain/errors.ts";

/** The fields of a line. `event` is the line's stable name; LOG-EVENTS.md lists them all. */
export interface LogFields {
  event: `${string}.${string}`;
  [field: string]: unknown;
}

export type Logger = Pick<Pino, "fatal" | "error" | "warn" | "info" | "debug" | "child">;

const SECRET_FIELDS = [
  "token",
  "password",
  "secret",
  "authorization",
  "cookie",
  "accessToken",
  "refreshToken",
];

/** Lines that can't be written now are kept up to here; what comes then is dropped. */
const MAX_UNWRITTEN_BYTES = 1_048_576;

export function createLogger(level: Config["LOG_LEVEL"]): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  const output = pino.destination({ dest: 2, maxLength: MAX_UNWRITTEN_BYTES });
  // A full disk or a reader that is gone: lines are lost, and the chat goes on.
  output.on("error", () => {});
  const serializers = { err: shownError };
  return pino({ level, base: null, serializers, redact: { paths, censor: "[secret]" } }, output);
}

/** Outages and refusals are expected, and say all with their message; a stack is for what is not. */
export function shownError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isExpected = error instanceof DomainError || "syscall" in error;
  if (!isExpected) return pino.stdSerializers.err(error);
  return { type: error.name, message: error.message, ...("code" in error && { code: error.code }) };
}
