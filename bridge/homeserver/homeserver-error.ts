import { type Meaning, meaningOf } from "./errcodes.ts";

/** Error codes for an unknown token, and for one that a proxy removed: no request at all gets through. */
const ABOUT_OUR_TOKEN = ["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"];

/** A failed request to the homeserver. `status` is null when no answer came; the request may still have been carried out. */
export class HomeserverError extends Error {
  override readonly name = "HomeserverError";
  readonly status: number | null;
  /** Matrix's own code, such as `M_FORBIDDEN`. */
  readonly errcode: string | null;
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    detail: { status: number | null; errcode?: string | null; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, { cause: detail.cause });
    this.status = detail.status;
    this.errcode = detail.errcode ?? null;
    this.retryAfterMs = detail.retryAfterMs ?? null;
  }

  /** What the answer means for the request, by the table of errcodes.ts. */
  get meaning(): Meaning {
    return meaningOf(this);
  }

  /** Whether Matrix itself answered about the request, with one of these codes. A status alone may be a proxy's. */
  says(...errcodes: string[]): boolean {
    return !this.outage && this.errcode !== null && errcodes.includes(this.errcode);
  }

  /**
   * Whether the answer says nothing about the request: no answer came, a proxy answered (whatever the status), or the
   * homeserver does not take us for what we are, because it has not loaded our registration.
   */
  get outage(): boolean {
    return this.meaning === "away";
  }

  /** Whether the same request can succeed later: after an outage, too many requests, a server error, or a code of no table. */
  get temporary(): boolean {
    return this.outage || this.meaning === "waits" || this.status === null || this.status >= 500;
  }

  /** Whether no request gets through now: no answer came, only a proxy's, or the homeserver does not know our token. */
  get away(): boolean {
    if (this.status === null) return true;
    return this.errcode === null ? this.status >= 502 : ABOUT_OUR_TOKEN.includes(this.errcode);
  }
}

/** Why a fetch failed: its own message says nothing, and the reason is its `cause`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  // For a host with several addresses there is an error for each, under an AggregateError without a message.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return error.message;
}

/**
 * A field that the specification requires in an answer.
 * @throws HomeserverError when it is missing, because then no homeserver answered
 */
export function fieldOf<K extends string>(
  answer: { [N in K]?: unknown } | null | undefined,
  field: K,
): string {
  const value = answer?.[field];
  if (typeof value === "string") return value;
  throw new HomeserverError(`An answer of 200 has no ${field}: a proxy may have given it`, { status: 200 });
}
