/** The errors of requests, and whether the request may have taken effect. */

/** The server answered `error`: the request had no effect. `retry` says whether a repetition can succeed. */
export class Refused extends Error {
  declare readonly code: string;
  declare readonly field: string | undefined;
  declare readonly retry: boolean;
  /** The wait before a repetition, ms, when the server named one. */
  declare readonly retryAfterMs: number | undefined;

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

/** There is no connection, or it ended before the answer: the request may have taken effect or not. */
export class ConnectionLost extends Error {
  constructor(message = "There is no connection") {
    super(message);
    this.name = "ConnectionLost";
  }
}

/** The client has ended for good, by `disconnect()` or because the server forbade new connections. */
export class ClientEnded extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ClientEnded";
  }
}

/** Too many messages wait for their acknowledgement. Send again when some are acknowledged. */
export class OutboxFull extends Error {
  constructor(limit: number) {
    super(`${limit} messages wait to be sent`);
    this.name = "OutboxFull";
  }
}

/**
 * A `token` function throws this when the user has signed out: the client ends. Any other error counts as temporary, and
 * the client tries again.
 */
export class SignedOut extends Error {
  constructor(message = "Sign in again") {
    super(message);
    this.name = "SignedOut";
  }
}
