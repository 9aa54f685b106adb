/**
 * The door that HTTP comes in by, whichever transport opens it: who answers, from whom a request is, and what is under
 * way. A server that stops closes it in two steps: answers end their connections (`leave`), then nothing new is carried
 * out, and what is under way is answered (`drain`).
 */
import { type HttpHandler, identified, plain, type RawResponse } from "./exchange.ts";
import { headProblem, type RawRequest } from "./head.ts";
import { BodyBudget } from "./incoming-body.ts";
import type { PatienceRule } from "./patience.ts";
import { Turns } from "./turns.ts";

/** Whom a request is from, when `peer` may be a proxy that says so in `X-Forwarded-For`. */
export type ClientAddress = (peer: string, forwardedFor: string | undefined) => string;

/** How slow the bodies of requests and of answers may be. */
export interface Pace {
  bodies: PatienceRule;
  answers: PatienceRule;
}

/**
 * uWebSockets.js cuts by itself, and without a word, a body that brings less than 16 KiB/s for 10 s and an answer of
 * which nothing was taken for 10 s.
 */
const PACE: Pace = {
  bodies: { mostMs: 7_000, bytesPerSecond: 8 * 1024 },
  answers: { mostMs: 60_000, bytesPerSecond: 4 * 1024 },
};

export class HttpDoor {
  readonly handler: HttpHandler;
  readonly clientAddress: ClientAddress;
  readonly pace: Pace;
  readonly budget = new BodyBudget();
  readonly turns = new Turns();
  #underWay = 0;
  #state: "open" | "leaving" | "closed" = "open";
  #onIdle: (() => void) | null = null;

  /** @param clientAddress unless given every request is from whom it comes from */
  constructor(handler: HttpHandler, clientAddress: ClientAddress = (peer) => peer, pace = PACE) {
    this.handler = handler;
    this.pace = pace;
    this.clientAddress = clientAddress;
  }

  /** Whether a connection ends with its next answer. */
  get isLeaving(): boolean {
    return this.#state !== "open";
  }

  /** What answers a request that is not let in, or null. The connection ends with it. */
  refusal(raw: RawRequest): RawResponse | null {
    if (this.#state === "closed") return identified(stopping(), raw);
    const problem = headProblem(raw);
    return problem && identified(plain(...problem), raw);
  }

  /** A request is let in. The function that is returned says that it was answered or given up; twice is fine. */
  enter(): () => void {
    this.#underWay++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#underWay--;
      if (this.#underWay === 0) this.#onIdle?.();
    };
  }

  /** From now on every answer ends its connection, so that clients and proxies go elsewhere. */
  leave(): void {
    if (this.#state === "open") this.#state = "leaving";
  }

  /** Lets nothing new in. Resolves when everything under way was answered, or after `limitMs`. */
  async drain(limitMs: number): Promise<void> {
    this.#state = "closed";
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Nothing was carried out: whoever asked may ask another process. */
function stopping(): RawResponse {
  const answer = plain(503, "The server stops; try again");
  return { ...answer, headers: [...answer.headers, ["retry-after", "1"]] };
}
