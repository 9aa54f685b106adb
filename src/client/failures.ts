/** How asking can fail, and what each failure says about what was asked. */

/** The server answered `error`: what was asked did not happen. `retry` says whether asking again can help. */
export class Refused extends Error {
  readonly code: string;
  readonly field: string | undefined;
  readonly retry: boolean;
  /** Milliseconds to wait before asking again, when the server named them. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    detail: { field?: string | undefined; retry?: boolean; retryAfterMs?: number | undefined } = {},
  ) {
    super(message);
    this.name = "Refused";
    this.code = code;
    this.field = detail.field;
    this.retry = detail.retry ?? false;
    this.retryAfterMs = detail.retryAfterMs;
  }
}

/** There is no connection, or it ended before the answer: what was asked may or may not have happened. */
export class ConnectionLost extends Error {
  constructor(message = "There is no connection; the client is trying to come back") {
    super(message);
    this.name = "ConnectionLost";
  }
}

/** The client has ended for good, by `disconnect()` or because the server said not to come back. */
export class ClientEnded extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ClientEnded";
  }
}

/** Too many messages wait for their acknowledgement already; send again when some are through. */
export class OutboxFull extends Error {
  constructor(limit: number) {
    super(`${limit} messages wait to be sent; send again when some are acknowledged`);
    this.name = "OutboxFull";
  }
}

/**
 * What a `token` function throws when there is no token to be had any more (signed out): the client ends.
 * Whatever else it throws counts as a passing failure, and is tried again later.
 */
export class SignedOut extends Error {
  constructor(message = "Sign in again") {
    super(message);
    this.name = "SignedOut";
  }
}
