/**
 * A server of protocol v1 small enough to be made to fail at any point: its rooms are arrays, its sends are idempotent,
 * and a script may swallow a frame, cut the connection before or after it is carried out, or answer in its own way.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { decodeMsgpack, encodeMsgpack } from "../../src/protocol/codec.ts";
import type { EventFrame, Place, WireActor } from "../../src/protocol/frames.ts";

export type Heard = Record<string, unknown> & { op: string; ref: number };
/** What the script does with a frame; undefined: the server answers as it should. */
export type Trick =
  | "swallow"
  /** Ends the TCP connection without a word: before the frame is carried out, or after and before the answer. */
  | "cut before"
  | "cut after"
  /** Answers this instead. */
  | { op: "ok"; [field: string]: unknown }
  | { op: "error"; code: string; retry: boolean; retryAfterMs?: number };
export type Script = (frame: Heard) => Trick | undefined;

const ME: WireActor = { kind: "user", id: "1", name: "Ann" };
export const OTHER: WireActor = { kind: "user", id: "2", name: "Bob" };

export class ScriptedServer {
  readonly heard: Heard[] = [];
  readonly rooms = new Map<string, EventFrame[]>();
  script: Script = () => undefined;
  epoch = "epoch-1";
  heartbeatMs = 25_000;
  /** Who says hello. */
  user = { id: ME.id, uuid: "u-1", handle: "ann", name: ME.name };
  /** When true nothing is announced: the bus has lost it. */
  mute = false;
  readonly #server: WebSocketServer;
  /** Connections that said hello. */
  readonly #sessions = new Set<WebSocket>();
  readonly #watchers = new Set<() => void>();

  constructor(server: WebSocketServer) {
    this.#server = server;
    server.on("connection", (socket) => this.#serve(socket));
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ws`;
  }

  /** Appends to the room's log and announces it, unless mute. */
  append(room: string, event: Partial<EventFrame> & { type: string }): EventFrame {
    const log = this.log(room);
    const whole: EventFrame = {
      op: "event",
      room,
      seq: (log.at(-1)?.seq ?? 0) + 1,
      actor: OTHER,
      at: Date.now(),
      data: {},
      ...event,
    };
    log.push(whole);
    if (!this.mute) this.announce(whole);
    return whole;
  }

  message(room: string, text: string, more: Partial<EventFrame> = {}): EventFrame {
    return this.append(room, { type: "message", data: { text }, ...more });
  }

  log(room: string): EventFrame[] {
    const log = this.rooms.get(room) ?? [];
    this.rooms.set(room, log);
    return log;
  }

  /** Says a frame to every session. */
  announce(frame: object): void {
    for (const socket of this.#sessions) say(socket, frame);
  }

  /** Cuts every connection as a `kill -9` does. */
  cutAll(): void {
    for (const socket of this.#server.clients) socket.terminate();
  }
  closeAll(code: number, reason = ""): void {
    for (const socket of this.#server.clients) socket.close(code, reason);
  }

  /** Resolves with the n-th frame of this op (1: the first), also when it came already. */
  async hears(op: string, n = 1): Promise<Heard> {
    const find = () => this.heard.filter((frame) => frame.op === op)[n - 1];
    for (let found = find(); ; found = find()) {
      if (found) return found;
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  async stop(): Promise<void> {
    this.cutAll();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: WebSocket): void {
    socket.on("close", () => this.#sessions.delete(socket));
    socket.on("message", (data: Buffer, binary: boolean) => {
      // What came in one piece with the frame at which the connection was cut.
      if (socket.readyState !== socket.OPEN) return;
      const frame = (binary ? decodeMsgpack(data) : JSON.parse(data.toString())) as Heard;
      this.heard.push(frame);
      this.#take(socket, frame);
      for (const wake of this.#watchers) wake();
      this.#watchers.clear();
    });
  }

  #take(socket: WebSocket, frame: Heard): void {
    const trick = this.script(frame);
    if (typeof trick === "object") say(socket, { ref: frame.ref, message: "a trick", ...trick });
    if (trick === "cut before") socket.terminate();
    if (trick !== undefined && trick !== "cut after") return;
    const answer = this.#carryOut(socket, frame);
    if (trick === "cut after") socket.terminate();
    else for (const said of answer) say(socket, said);
  }

  #carryOut(socket: WebSocket, frame: Heard): object[] {
    const { ref, op } = frame;
    switch (op) {
      case "hello":
        return this.#hello(socket, frame);
      case "send":
        return [{ op: "ok", ref, ...this.#send(frame) }];
      case "rooms":
        return [{ op: "ok", ref, ...this.#page(Number(frame.limit ?? 100), frame.after) }];
      case "history":
        return [{ op: "ok", ref, ...this.#history(frame) }];
      case "read":
        return [{ op: "ok", ref, read: frame.seq, unread: 0, mention: 0 }];
      case "call.join":
        return [{ op: "ok", ref, room: frame.room, flags: frame.flags, participants: [] }];
      default:
        return [{ op: "ok", ref, at: Date.now() }];
    }
  }

  #hello(socket: WebSocket, frame: Heard): object[] {
    this.#sessions.add(socket);
    const resume = frame.resume as { epoch: string; rooms: Record<string, Place> } | undefined;
    const missing: EventFrame[] = [];
    const resumed = Object.entries(resume?.rooms ?? {}).flatMap(([room, place]) => {
      const log = this.rooms.get(room);
      if (!log) return [{ room, recovered: false, from: 0, head: 0 }];
      const head = log.at(-1)?.seq ?? 0;
      const last = typeof place === "number" ? place : place.seq;
      const isProven = typeof place === "number" || place.at === timeAt(log, last);
      const recovered = resume?.epoch === this.epoch && last <= head && isProven;
      if (recovered) missing.push(...log.filter(({ seq }) => seq > last));
      return [{ room, recovered, from: last + 1, head }];
    });
    const { epoch, heartbeatMs, user } = this;
    const { limit } = (frame.rooms ?? {}) as { limit?: number };
    const ready = {
      op: "ready",
      ref: frame.ref,
      session: "s",
      user,
      epoch,
      heartbeatMs,
      ...this.#page(limit),
    };
    return [{ ...ready, ...(resume && { resumed }) }, ...missing];
  }

  /** Rooms, the last active first, behind one. */
  #page(limit = Number.POSITIVE_INFINITY, after?: unknown): { rooms: object[]; more?: true } {
    const times = new Map([...this.rooms].map(([room, log]) => [room, log.at(-1)?.at ?? 0]));
    const sorted = [...times].sort(([, a], [, b]) => b - a).map(([room]) => room);
    const first = sorted.indexOf(String(after)) + 1;
    const rooms = sorted.slice(first, first + limit).map((room) => this.listing(room));
    return { rooms, ...(first + limit < sorted.length && { more: true as const }) };
  }

  /** The entry of a room. */
  listing(room: string): object {
    const log = this.log(room);
    const head = log.at(-1)?.seq ?? 0;
    const last = log.findLast(({ type }) => type === "message") ?? null;
    const unread = log.filter(({ type, actor }) => type === "message" && actor.id !== ME.id).length;
    const figures = { head, at: timeAt(log, head), read: 0, unread, mention: 0, last, lastPing: 0, call: 0 };
    return { room, rev: head, name: `Room ${room}`, type: "group", role: "user", ...figures };
  }

  #send({ room, id, text, replyTo, mentions, forward }: Heard): object {
    const known = this.log(String(room)).find((event) => event.id === id);
    const from = forward as { room: string; seq: number } | undefined;
    const source = from && this.log(from.room)[from.seq - 1];
    const data = {
      ...(source ? { ...source.data, forwarded: { actor: source.actor, at: source.at } } : { text }),
      ...(replyTo !== undefined && { replyTo }),
      ...(mentions !== undefined && { mentions }),
    };
    const { seq, at } =
      known ?? this.append(String(room), { type: "message", id: String(id), actor: ME, data });
    return { room, seq, at, ...(known && { duplicate: true }) };
  }

  #history({ room, after, before, limit }: Heard): object {
    const log = this.log(String(room));
    const most = Number(limit ?? 50);
    const inside = log.filter(
      ({ seq }) => seq > Number(after ?? 0) && seq < Number(before ?? Number.POSITIVE_INFINITY),
    );
    const events = after === undefined ? inside.slice(-most) : inside.slice(0, most);
    return { events, more: inside.length > events.length };
  }
}

/** 0 for what is not in the log. */
function timeAt(log: readonly EventFrame[], seq: number): number {
  return log.find((event) => event.seq === seq)?.at ?? 0;
}

function say(socket: WebSocket, frame: object): void {
  socket.send(socket.protocol === "causeway.v1.msgpack" ? encodeMsgpack(frame) : JSON.stringify(frame));
}

/** Starts servers that end with the test. */
export function scriptedServers(): () => Promise<ScriptedServer> {
  const servers: ScriptedServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });
  return async () => {
    const sockets = new WebSocketServer({
      host: "127.0.0.1",
      port: 0,
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    await once(sockets, "listening");
    const server = new ScriptedServer(sockets);
    servers.push(server);
    return server;
  };
}
