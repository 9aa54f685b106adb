/** Failures of HTTP requests: the domain's codes and those of HTTP itself. Each API has its own shape for them. */
import { HTTPException } from "hono/http-exception";
import { KeyReused } from "../../domain/context/repeats.ts";
import { DomainError, type ErrorCode } from "../../domain/errors.ts";

export type FailureCode =
  | ErrorCode
  | "method_not_allowed"
  | "unsupported_media_type"
  | "key_reused"
  | "internal";

export interface Failure {
  code: FailureCode;
  /** A text for people, with the field and the rule if there is one. */
  message: string;
  field: string | undefined;
  retryAfterMs: number | undefined;
  /** The thrown error, for APIs with errors of their own. */
  cause: unknown;
}

/** The HTTP status of each code. APIs with other statuses start from this table. */
export const STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  key_reused: 422,
  rate_limited: 429,
  read_only: 403,
  lobby: 403,
  busy: 503,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<FailureCode, number>;

export type FailureStatus = (typeof STATUS)[FailureCode] | 412;

/** The refusal of a body that is not UTF-8. */
export class UnreadableCharset extends Error {
  constructor(charset: string) {
    super(`Content-Type names the charset ${charset.slice(0, 40)}; send the body in UTF-8`);
  }
}

/** The failure for a thrown value. An unexpected error is `internal`, and its message is not shown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof DomainError) {
    const { message, field, retryAfterMs } = error;
    const code = error instanceof KeyReused ? "key_reused" : error.code;
    return { code, message, field, retryAfterMs, cause: error };
  }
  if (error instanceof HTTPException && error.status === 400)
    return failure("bad_request", "body must be valid JSON", { field: "body" });
  if (error instanceof HTTPException && error.status === 415)
    return failure("unsupported_media_type", "Send the body as Content-Type: application/json");
  if (error instanceof UnreadableCharset) return failure("unsupported_media_type", error.message);
  return failure("internal", "Something went wrong on the server; it was logged", { cause: error });
}

export function failure(
  code: FailureCode,
  message: string,
  detail: { field?: string; cause?: unknown } = {},
): Failure {
  return { code, message, field: detail.field, retryAfterMs: undefined, cause: detail.cause };
}

/** The message of a failure, with the API's own name of the field. */
export function spelled({ message, field }: Failure, names: Record<string, string>): string {
  if (field === undefined) return message;
  const name = names[field] ?? field;
  if (message.startsWith(`${field} `)) return name + message.slice(field.length);
  return message.includes(name) ? message : `${name}: ${message}`;
}

const DEFAULT_RETRY_AFTER_S = 1;

/** The headers of a refusal: `Retry-After`. */
export function failureHeaders({ code, retryAfterMs }: Failure): Record<string, string> {
  const wanted = retryAfterMs !== undefined || code === "rate_limited";
  if (!wanted) return {};
  const seconds = retryAfterMs === undefined ? DEFAULT_RETRY_AFTER_S : Math.ceil(retryAfterMs / 1_000);
  return { "Retry-After": String(Math.max(1, seconds)) };
}
