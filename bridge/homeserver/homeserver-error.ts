/** What a homeserver says to a token that it does not know (any more), and to one that a proxy took away. */
const ABOUT_OUR_TOKEN = ["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"];

/** A request that failed. `status` is null when no answer came: it may have been carried out all the same. */
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

  /** Whether Matrix itself answered, with one of these codes. A status alone may be a proxy's. */
  says(...errcodes: string[]): boolean {
    return this.errcode !== null && errcodes.includes(this.errcode);
  }

  /**
   * The answer says nothing of the request: none came, a proxy answered in its own words, whatever the status, or the
   * homeserver does not know us, which it will again once it has our registration.
   */
  get outage(): boolean {
    return this.errcode === null || this.says(...ABOUT_OUR_TOKEN);
  }

  /** The same request can succeed later without any change: an outage, too many requests, or the server's own fault. */
  get temporary(): boolean {
    return this.outage || this.status === null || this.status === 429 || this.status >= 500;
  }

  /** No request will get through: no answer came, one of a proxy in front, or the homeserver does not know us. */
  get away(): boolean {
    if (this.status === null || this.says(...ABOUT_OUR_TOKEN)) return true;
    return this.status >= 502 && this.errcode === null;
  }
}

/** Why no answer came: fetch itself says only that it failed, and names the reason as the cause of that. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  // Where a name has several addresses, each has an error of its own, and all of them together have no words.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ");
  return error.message;
}

/**
 * A field that every answer of its kind has.
 * @throws HomeserverError when it is missing: what answers so is no homeserver
 */
export function fieldOf<K extends string>(
  answer: { [N in K]?: unknown } | null | undefined,
  field: K,
): string {
  const value = answer?.[field];
  if (typeof value === "string") return value;
  throw new HomeserverError(`An answer of 200 has no ${field}: a proxy may have given it`, { status: 200 });
}
