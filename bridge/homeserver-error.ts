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

  /** The same request can succeed later without any change: no answer, too many requests, or the server's own fault. */
  get temporary(): boolean {
    return this.status === null || this.status === 429 || this.status >= 500;
  }

  /** The homeserver can't be reached: no answer came, or one of a proxy in front of it. */
  get away(): boolean {
    return this.status === null || (this.status >= 502 && this.errcode === null);
  }
}
