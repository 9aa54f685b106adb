/** Plays a scripted session with a client: a server for it, and an app that tells it what to do. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { SUBPROTOCOLS } from "../../src/protocol/subprotocols.ts";
import {
  eventFrame,
  type Fields,
  matches,
  type Names,
  readyFrame,
  type Session,
  type Step,
  withEvents,
} from "./session.ts";

/** The token that a client is started with. */
export const TOKEN = "token of Ada";
/** A client that does nothing for so long fails the session. */
const MAX_WAIT_MS = 20_000;

/** A client that has been started. */
export interface Subject {
  /** Asks it to do something. */
  do(what: Fields): void;
  /** Ends it. */
  stop(): Promise<void> | void;
}
/** @param show is called with each line that the client shows */
export type StartSubject = (url: string, token: string, show: (line: Fields) => void) => Subject;

/** Something that the client did and no step has looked at. */
type Deed = { connects: WebSocket } | { hears: Fields } | { shows: Fields };

/** Plays a session to its end. Rejects with an Error that says at which step the client did something else. */
export async function play(session: Session, start: StartSubject): Promise<void> {
  const sockets = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    handleProtocols: () => SUBPROTOCOLS.json,
  });
  await once(sockets, "listening");
  const player = new Player(session, sockets);
  const { port } = sockets.address() as AddressInfo;
  const subject = start(`ws://127.0.0.1:${port}/ws`, TOKEN, (line) => player.saw({ shows: line }));
  try {
    await player.play(session.steps, subject);
    player.expectNothingElse();
  } finally {
    await subject.stop();
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
  }
}

class Player {
  readonly #session: Session;
  readonly #answers: Record<string, Fields>;
  readonly #names: Names = new Map();
  readonly #deeds: Deed[] = [];
  #socket: WebSocket | null = null;
  #lastRef: unknown = null;
  #wake: () => void = () => {};

  constructor(session: Session, sockets: WebSocketServer) {
    this.#session = session;
    // A client may ping as often as it likes.
    this.#answers = { ping: { at: 0 }, ...session.answers };
    sockets.on("connection", (socket) => this.#serve(socket));
  }

  saw(deed: Deed): void {
    this.#deeds.push(deed);
    this.#wake();
  }

  async play(steps: readonly Step[], subject: Subject): Promise<void> {
    for (const step of steps) {
      if ("either" in step) await this.play(await this.#choose(step.either), subject);
      else if ("does" in step) subject.do(step.does);
      else if ("connects" in step || "hears" in step || "shows" in step) await this.#expect(step);
      else this.#say(step);
    }
  }

  expectNothingElse(): void {
    const [deed] = this.#deeds;
    if (deed) throw this.#failure("the end", deed);
  }

  #serve(socket: WebSocket): void {
    this.saw({ connects: socket });
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as Fields;
      const answer = this.#answers[String(frame.op)];
      if (answer) socket.send(JSON.stringify({ op: "ok", ref: frame.ref, ...withEvents(answer) }));
      else this.saw({ hears: frame });
    });
    socket.on("error", () => {
      // The client is gone; the next step finds out.
    });
  }

  async #expect(
    step: Extract<Step, { connects: true } | { hears: Fields } | { shows: Fields }>,
  ): Promise<void> {
    const kind = Object.keys(step)[0] as "connects" | "hears" | "shows";
    // Lines and frames come by two ways, so that their order to one another says nothing.
    const find = () => this.#deeds.findIndex((deed) => (kind === "shows") === "shows" in deed);
    await this.#until(() => find() >= 0, JSON.stringify(step));
    const [deed] = this.#deeds.splice(find(), 1) as [Deed];
    if ("connects" in step && "connects" in deed) this.#socket = deed.connects;
    else if ("hears" in step && "hears" in deed && matches(step.hears, deed.hears, this.#names))
      this.#lastRef = deed.hears.ref;
    else if (!("shows" in step && "shows" in deed && matches(step.shows, deed.shows, this.#names)))
      throw this.#failure(JSON.stringify(step), deed);
  }

  async #choose(branches: readonly Step[][]): Promise<Step[]> {
    const isNext = ([step]: Step[]) => {
      const deed = this.#deeds.find((candidate) => !("shows" in candidate));
      if (!step || !deed) return false;
      if ("connects" in step) return "connects" in deed;
      return "hears" in step && "hears" in deed && step.hears.op === deed.hears.op;
    };
    await this.#until(() => branches.some(isNext), "one of the ways to go on");
    return branches.find(isNext) ?? [];
  }

  #say(step: Step): void {
    const socket = this.#socket;
    const say = (frame: Fields) => socket?.send(JSON.stringify(frame));
    const ref = this.#lastRef;
    if ("ready" in step) say(readyFrame(this.#session.rooms, ref, step.ready));
    else if ("ok" in step) say({ op: "ok", ref, ...withEvents(step.ok) });
    else if ("error" in step) say({ op: "error", ref, message: "No.", ...step.error });
    else if ("event" in step) say(eventFrame(step.event));
    else if ("says" in step) typeof step.says === "string" ? socket?.send(step.says) : say(step.says);
    else if ("closes" in step) socket?.close(step.closes);
    else socket?.terminate();
  }

  async #until(check: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + MAX_WAIT_MS;
    while (!check()) {
      const left = deadline - Date.now();
      if (left <= 0) throw this.#failure(what, this.#deeds[0]);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #failure(expected: string, deed: Deed | undefined): Error {
    const did = deed === undefined ? "did nothing" : "connects" in deed ? "connected" : JSON.stringify(deed);
    return new Error(`${this.#session.about}: expected ${expected}; the client: ${did}`);
  }
}
