/**
 * A small client of WebSocket protocol v1, written from its description alone and not with our SDK: one view of the
 * rooms that outlives connections, resumes, and writes down every gap, double and disorder that it sees.
 */
import { Packr } from "msgpackr";
import { WebSocket } from "ws";

export type Codec = "json" | "msgpack";
type Frame = Record<string, unknown> & { op: string };

export interface WireEvent {
  op: "event";
  room: string;
  seq: number;
  type: string;
  id?: string;
  actor: { kind: string; id: string; name: string };
  at: number;
  data: Record<string, unknown>;
}
export interface Resumed {
  room: string;
  recovered: boolean;
  from: number;
  head: number;
}
export interface Ready {
  session: string;
  user: { id: string; uuid: string; handle: string; name: string };
  epoch: string;
  heartbeatMs: number;
  rooms: { room: string; name: string; head: number; read: number; unread: number }[];
  resumed?: Resumed[];
}
export interface Ack {
  room: string;
  seq: number;
  at: number;
  duplicate?: boolean;
}
export interface Closed {
  code: number;
  reason: string;
  /** The `bye` frame that came before the close, if one came. */
  bye: { code: number; reconnectMs: number } | null;
}

/** The server answered `error`. */
export class Refused extends Error {
  readonly code: string;
  readonly retry: boolean;
  readonly retryAfterMs: number | undefined;
  constructor(frame: Frame) {
    super(`${String(frame.code)}: ${String(frame.message)}`);
    this.code = String(frame.code);
    this.retry = frame.retry === true;
    this.retryAfterMs = typeof frame.retryAfterMs === "number" ? frame.retryAfterMs : undefined;
  }
}
/** The connection ended before the answer came: what was asked may or may not have happened. */
export class ConnectionLost extends Error {}

interface Waiter {
  check(): boolean;
  what: string;
  resolve(): void;
}
interface Pending {
  resolve(frame: Frame): void;
  reject(error: Error): void;
}

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });
const PROTOCOLS = { json: "causeway.v1.json", msgpack: "causeway.v1.msgpack" } as const;

export class SocketClient {
  /** Gaps, doubles and disorder, in words. Must stay empty. */
  readonly faults: string[] = [];
  /** The last answer to hello. */
  ready: Ready | null = null;
  /** Every frame that was neither an answer nor an event. */
  readonly others: Frame[] = [];
  readonly #logs = new Map<string, WireEvent[]>();
  readonly #last = new Map<string, number>();
  readonly #waiters = new Set<Waiter>();
  readonly #pending = new Map<number, Pending>();
  readonly #token: string;
  readonly #codec: Codec;
  readonly name: string;
  #socket: WebSocket | null = null;
  #closed: Promise<Closed> = Promise.resolve({ code: 0, reason: "", bye: null });
  #nextRef = 1;

  constructor(name: string, token: string, codec: Codec) {
    this.name = name;
    this.#token = token;
    this.#codec = codec;
  }

  /** Connects and says hello; resumes from what it has seen, when it was connected before. */
  async connect(url: string): Promise<Ready> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, PROTOCOLS[this.#codec]);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    this.#socket = socket;
    this.#listen(socket);
    const resume = this.ready && { epoch: this.ready.epoch, rooms: Object.fromEntries(this.#last) };
    const hello = { op: "hello", token: this.#token, device: this.name, ...(resume && { resume }) };
    try {
      return (await this.ask(hello)) as unknown as Ready;
    } catch (error) {
      await this.drop();
      throw error;
    }
  }

  /** How the present (or last) connection ends. */
  get closed(): Promise<Closed> {
    return this.#closed;
  }

  /** Drops the connection without a goodbye, as a phone in a tunnel does. */
  async drop(): Promise<void> {
    this.#socket?.terminate();
    await this.#closed;
  }

  /** Sends a frame and resolves with its answer. Rejects with {@link Refused} or {@link ConnectionLost}. */
  ask(frame: Frame): Promise<Frame> {
    const ref = this.#nextRef++;
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      if (socket?.readyState !== WebSocket.OPEN) return reject(new ConnectionLost("not connected"));
      this.#pending.set(ref, { resolve, reject });
      socket.send(this.#encode({ ...frame, ref }));
    });
  }

  async send(room: string, id: string, text: string): Promise<Ack> {
    return (await this.ask({ op: "send", room, id, text })) as unknown as Ack;
  }

  /** The whole log of a room as the server tells it, page by page. */
  async history(room: string): Promise<WireEvent[]> {
    const all: WireEvent[] = [];
    for (let more = true; more; ) {
      const page = await this.ask({ op: "history", room, after: all.at(-1)?.seq ?? 0, limit: 200 });
      all.push(...(page.events as WireEvent[]));
      more = page.more === true;
    }
    return all;
  }

  /** The room's events in the order in which they came. */
  log(room: string): readonly WireEvent[] {
    return this.#logs.get(room) ?? [];
  }
  /** The last seq seen of the room. */
  last(room: string): number {
    return this.#last.get(room) ?? 0;
  }

  /** Resolves as soon as `check` holds; looked at after every frame. */
  until(what: string, check: () => boolean, limitMs = 60_000): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { check, what, resolve: () => finish(resolve) };
      const timer = setTimeout(() => {
        const seen = JSON.stringify(Object.fromEntries(this.#last));
        finish(() => reject(new Error(`${this.name} waited in vain for ${what}; it saw ${seen}`)));
      }, limitMs);
      const finish = (end: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        end();
      };
      this.#waiters.add(waiter);
    });
  }

  /** Resolves when a message with this text has come in the room. */
  async message(room: string, text: string): Promise<WireEvent> {
    const find = () => this.log(room).find((event) => event.type === "message" && event.data.text === text);
    await this.until(`“${text}”`, () => find() !== undefined);
    return find() as WireEvent;
  }

  #listen(socket: WebSocket): void {
    let bye: Closed["bye"] = null;
    socket.on("message", (data: Buffer, binary: boolean) => {
      const frame = this.#decode(data, binary);
      if (frame.op === "bye") bye = frame as unknown as Closed["bye"];
      this.#take(frame);
      for (const waiter of [...this.#waiters]) if (waiter.check()) waiter.resolve();
    });
    socket.on("error", () => {
      // The close event follows and says the same.
    });
    this.#closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        for (const { reject } of this.#pending.values()) reject(new ConnectionLost(`closed with ${code}`));
        this.#pending.clear();
        resolve({ code, reason: reason.toString(), bye });
      });
    });
  }

  #take(frame: Frame): void {
    if (frame.op === "event") this.#takeEvent(frame as unknown as WireEvent);
    else this.#takeAnswer(frame);
  }

  #takeAnswer(frame: Frame): void {
    if (frame.op === "ready") this.#takeReady(frame as unknown as Ready);
    const pending = this.#pending.get(Number(frame.ref));
    if (frame.ref === undefined || frame.ref === null || !pending) {
      this.others.push(frame);
      return;
    }
    this.#pending.delete(Number(frame.ref));
    if (frame.op === "error") pending.reject(new Refused(frame));
    else pending.resolve(frame);
  }

  #takeReady(ready: Ready): void {
    const resumed = new Map((ready.resumed ?? []).map((entry) => [entry.room, entry]));
    for (const { room, head } of ready.rooms) {
      const proof = resumed.get(room);
      if (proof && !proof.recovered) this.faults.push(`${room} was not recovered from ${this.last(room)}`);
      if (proof?.recovered && proof.from !== this.last(room) + 1) {
        this.faults.push(`${room} resumed from ${proof.from} although ${this.last(room)} was the last seen`);
      }
      if (this.ready && this.#last.has(room) && !proof) this.faults.push(`${room} was not resumed`);
      if (!this.#last.has(room)) this.#last.set(room, head);
    }
    this.ready = ready;
  }

  #takeEvent(event: WireEvent): void {
    const last = this.#last.get(event.room);
    if (last !== undefined && event.seq !== last + 1) {
      const fault = event.seq <= last ? "came again or late" : "came too early";
      this.faults.push(`${event.room}: ${event.seq} after ${last} ${fault}`);
    }
    this.#last.set(event.room, Math.max(event.seq, last ?? 0));
    const log = this.#logs.get(event.room) ?? [];
    log.push(event);
    this.#logs.set(event.room, log);
  }

  #encode(frame: Frame): string | Buffer {
    return this.#codec === "json" ? JSON.stringify(frame) : packr.pack(frame);
  }
  #decode(data: Buffer, binary: boolean): Frame {
    if (binary !== (this.#codec === "msgpack")) this.faults.push("a frame of the other codec");
    return binary ? (packr.unpack(data) as Frame) : (JSON.parse(data.toString()) as Frame);
  }
}
