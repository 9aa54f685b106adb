/** Structured logs, one JSON object a line on stderr. Fields that hold secrets are cut out before anything is written. */
import { type Logger as Pino, pino } from "pino";
import type { Config } from "./config.ts";

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

export function createLogger(level: Config["LOG_LEVEL"]): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  return pino({ level, base: null, redact: { paths, censor: "[secret]" } }, pino.destination(2));
}
