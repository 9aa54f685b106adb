/**
 * All codes with which a use case can refuse. Each face has a table from these codes to its own.
 * `retry`: the same request can succeed later.
 */
export const ERRORS = {
  bad_request: { retry: false, text: "The request breaks a rule" },
  unauthorized: { retry: false, text: "Valid credentials are needed" },
  forbidden: { retry: false, text: "Your role does not allow this" },
  not_found: { retry: false, text: "There is no such thing, or you can't see it" },
  conflict: { retry: false, text: "It exists already, or is in another state" },
  too_large: { retry: false, text: "Too large" },
  rate_limited: { retry: true, text: "Too many requests" },
  read_only: { retry: false, text: "The room is read-only" },
  lobby: { retry: true, text: "The room's lobby is closed" },
  busy: { retry: true, text: "The server is busy" },
  unavailable: { retry: true, text: "A part of the server can't be reached" },
} as const satisfies Record<string, { retry: boolean; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** A refusal by a use case. `field` names the input that broke a rule; `message` says the rule. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message?: string,
    detail: { field?: string; retryAfterMs?: number | undefined } = {},
  ) {
    super(message ?? ERRORS[code].text);
    this.name = "DomainError";
    this.code = code;
    this.field = detail.field;
    this.retryAfterMs = detail.retryAfterMs;
  }

  get retry(): boolean {
    return ERRORS[this.code].retry;
  }
}

/** The refusal while a part of the server is away. @param message names the part @param cause for the log only */
export function unavailable(message: string, cause: unknown, retryAfterMs?: number): DomainError {
  const error = new DomainError("unavailable", `${message}; try again`, { retryAfterMs });
  error.cause = cause;
  return error;
}

/** Whether a part of the server is away. The watch of that part logs it, so callers need not. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof DomainError && error.code === "unavailable";
}

/** A `bad_request`: `throw badField("name", "must be 1 to 200 characters")`. */
export function badField(field: string, rule: string): DomainError {
  return new DomainError("bad_request", `${field} ${rule}`, { field });
}
