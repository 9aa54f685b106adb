/**
 * Takes the frames of clients: each frame is bounded, decoded, checked, carried out and answered once. A frame that breaks
 * a rule costs its sender an error, and nobody else anything.
 */
import { DomainError } from "../../domain/errors.ts";
import type { StoreHealth } from "../../domain/ports/store-health.ts";
import type { Logger } from "../../logger.ts";
import { decodeJson, decodeMsgpack } from "../../protocol/codec.ts";
import { ERROR_CODES, type WireErrorCode } from "../../protocol/error-codes.ts";
import {
  type ClientFrame,
  type ClientFrames,
  type ErrorFrame,
  parseClientFrame,
  type Ref,
  type RefusedFrame,
  refOf,
  type ServerFrame,
} from "../../protocol/frames.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { GatewayMetrics } from "../metrics.ts";
import { takeFrame } from "../sessions/frame-rate.ts";
import type { Handshake } from "../sessions/handshake.ts";
import type { Session } from "../sessions/session.ts";
import { type CommandTable, execute } from "./commands.ts";

export interface InboxOptions {
  handshake: Handshake;
  commands: CommandTable;
  metrics: GatewayMetrics;
  logger: Pick<Logger, "error">;
  rateLimits: boolean;
  storeHealth: Pick<StoreHealth, "isAway">;
}

const BUSY_MS = 200;
/** How long, about, clients stay away from a gateway that is without its database. */
const AWAY_RETRY_MS = 10_000;

export class Inbox {
  readonly #options: InboxOptions;
  /** Commands under way, over all sessions. */
  underWay = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  received(session: Session, bytes: Uint8Array, isBinary: boolean): void {
    session.lastHeard = performance.now();
    if (session.state === "leaving" || session.state === "gone") return;
    const waitMs = this.#options.rateLimits ? takeFrame(session) : 0;
    const value = this.#decode(session, bytes, isBinary);
    if (waitMs > 0) this.#tooMany(session, value, waitMs);
    else if (value !== undefined) this.#take(session, value);
  }

  /** Undefined when the frame was refused. */
  #decode(session: Session, bytes: Uint8Array, isBinary: boolean): unknown {
    if (bytes.length > LIMITS.FRAME_BYTES) {
      // [GW-1.4]
      this.#refuse(session, null, "too_large", `a frame may have ${LIMITS.FRAME_BYTES} bytes`);
      return undefined;
    }
    if (isBinary !== (session.codec === "msgpack")) {
      // [GW-1.2]
      const kind = isBinary ? "binary" : "text";
      this.#refuse(session, null, "bad_request", `${kind} frames are not of this connection's subprotocol`);
      return undefined;
    }
    try {
      return (isBinary ? decodeMsgpack(bytes) : decodeJson(bytes)) ?? null;
    } catch (error) {
      // [GW-1.3]
      this.#refuse(session, null, "bad_request", (error as Error).message);
      return undefined;
    }
  }

  #take(session: Session, value: unknown): void {
    if (session.state === "handshake") {
      this.#keep(session, value);
      return;
    }
    const parsed = parseClientFrame(value);
    if (session.state === "new" && !saysHello(value, parsed)) {
      // [GW-2.1] The first frame has to be hello.
      this.#refuse(session, refOf((value as { ref?: unknown }).ref), "unauthorized", "say hello first");
      session.close("unauthorized");
    } else if ("refused" in parsed) this.#badFrame(session, parsed.refused);
    else if (session.state === "new") void this.#handshake(session, parsed.frame as ClientFrames["hello"]);
    else void this.#run(session, parsed.frame);
  }

  /** [GW-2.5] What comes while hello is being answered waits for the answer. */
  #keep(session: Session, value: unknown): void {
    session.waiting ??= [];
    if (session.waiting.length < LIMITS.FRAMES_BEFORE_READY) session.waiting.push(value);
    else {
      const ref = refOf((value as { ref?: unknown } | null)?.ref);
      this.#refuse(session, ref, "busy", "wait for ready", { retryAfterMs: BUSY_MS });
    }
  }

  async #handshake(session: Session, hello: ClientFrames["hello"]): Promise<void> {
    session.state = "handshake";
    const { metrics } = this.#options;
    try {
      await this.#options.handshake(session, hello);
      metrics.count("hello", "ok");
    } catch (error) {
      const frame = this.#errorFrame(hello.ref, error);
      metrics.count("hello", frame.code);
      const isAway = frame.code === "unavailable" && this.#options.storeHealth.isAway;
      // [GW-10.6] The client is told how long to wait, so that refused ones do not come back all at once.
      const reconnectMs = Math.ceil(AWAY_RETRY_MS * (0.5 + Math.random()));
      session.send(isAway ? { ...frame, retryAfterMs: reconnectMs } : frame);
      // [GW-2.4] Wrong credentials end the connection; after anything else hello may be said again.
      if (frame.code === "unauthorized") session.close("unauthorized");
      else if (isAway) session.close("unavailable", reconnectMs);
      else if (!session.isGone) session.state = "new";
    }
    const waiting = session.waiting ?? [];
    session.waiting = null;
    for (const value of waiting) {
      if (!session.isGone) this.#take(session, value);
    }
  }

  async #run(session: Session, frame: ClientFrame): Promise<void> {
    const { identity } = session;
    if (!identity) return;
    if (session.inFlight >= LIMITS.COMMANDS_IN_FLIGHT) {
      // [GW-3.5]
      const message = `${LIMITS.COMMANDS_IN_FLIGHT} commands of this session are under way; wait for their answers`;
      this.#refuse(session, frame.ref, "busy", message, { retryAfterMs: BUSY_MS });
      return;
    }
    session.inFlight++;
    this.underWay++;
    try {
      const answer = await execute(this.#options.commands, { session, identity }, frame);
      this.#options.metrics.count(frame.op, "ok");
      this.#answer(session, frame, { op: "ok", ref: frame.ref, ...answer } as ServerFrame);
    } catch (error) {
      const refusal = this.#errorFrame(frame.ref, error);
      this.#options.metrics.count(frame.op, refusal.code);
      this.#answer(session, frame, refusal);
    } finally {
      this.underWay--;
      session.commandDone();
    }
  }

  /**
   * An event of the sender's own follows a send: both leave together. So do refusals of sends, which are many when the
   * database can't keep up: a call of the system for each would leave no time for what can still be taken.
   */
  #answer(session: Session, { op }: ClientFrame, answer: ServerFrame): void {
    if (op === "send") session.sendWithEvents(answer);
    else session.send(answer);
  }

  // ── Refusals ───────────────────────────────────────────────────────────────────────────────────────

  #badFrame(session: Session, { ref, field, message }: RefusedFrame): void {
    this.#refuse(session, ref, "bad_request", message, field === undefined ? {} : { field });
  }

  #tooMany(session: Session, value: unknown, waitMs: number): void {
    if (value !== undefined) {
      const ref = refOf((value as { ref?: unknown } | null)?.ref);
      this.#refuse(session, ref, "rate_limited", "too many frames", { retryAfterMs: waitMs });
    }
    if (session.refusedFrames > LIMITS.FRAMES_REFUSED) session.close("too_fast", 10_000);
  }

  #refuse(
    session: Session,
    ref: Ref | null,
    code: WireErrorCode,
    message: string,
    detail: { field?: string; retryAfterMs?: number } = {},
  ): void {
    this.#options.metrics.count("refused", code);
    session.send({ op: "error", ref, code, message, retry: ERROR_CODES[code].retry, ...detail });
  }

  #errorFrame(ref: Ref, error: unknown): ErrorFrame {
    if (error instanceof DomainError) {
      const { code, message, field, retry, retryAfterMs } = error;
      return {
        ...{ op: "error", ref, code, message, retry },
        ...(field !== undefined && { field }),
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      };
    }
    this.#options.logger.error(
      { event: "command.failed", err: error },
      "a command failed; the client was told to try again",
    );
    const { retry, text } = ERROR_CODES.unavailable;
    return { op: "error", ref, code: "unavailable", message: text, retry };
  }
}

/** A frame that means to be hello, well-formed or not; what is no object at all is only malformed. */
function saysHello(value: unknown, parsed: ReturnType<typeof parseClientFrame>): boolean {
  if ("frame" in parsed) return parsed.frame.op === "hello";
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return !isObject || (value as { op?: unknown }).op === "hello";
}
