/**
 * [GW-10.4] Ends clients that read too slowly, before the socket layer has to leave a message out. The close code says
 * why, and a client gets what it missed by resuming.
 */
import type { GatewayMetrics } from "../metrics.ts";
import type { Session } from "./session.ts";

/** More than this may not wait for a client for longer than a burst takes. */
const SLOW_BYTES = 1024 * 1024;
/** More than this may not wait at all. */
const FAR_TOO_SLOW_BYTES = 8 * SLOW_BYTES;
/** All sessions are checked whenever this much was published: between two checks no buffer outgrows the socket's own bound. */
const CHECK_AFTER_BYTES = 2 * SLOW_BYTES;

export class SlowConsumers {
  readonly #sessions: Iterable<Session>;
  readonly #metrics: GatewayMetrics;
  #publishedBytes = 0;

  constructor(sessions: Iterable<Session>, metrics: GatewayMetrics) {
    this.#sessions = sessions;
    this.#metrics = metrics;
  }

  /** So much was just given to a topic. */
  published(bytes: number): void {
    this.#publishedBytes += bytes;
    if (this.#publishedBytes < CHECK_AFTER_BYTES) return;
    this.#publishedBytes = 0;
    // In a later turn: the socket layer writes what was published at the end of this one.
    setImmediate(() => {
      for (const session of this.#sessions) {
        if (session.connection.buffered() > FAR_TOO_SLOW_BYTES) this.#end(session);
      }
    });
  }

  /** The look at a session that comes every second. False when it was ended: it was slow the last time, too. */
  look(session: Session): boolean {
    const isSlow = session.connection.buffered() > SLOW_BYTES;
    if (isSlow && session.wasSlow) {
      this.#end(session);
      return false;
    }
    session.wasSlow = isSlow;
    return true;
  }

  #end(session: Session): void {
    this.#metrics.slowConsumers++;
    session.close("too_slow");
  }
}
