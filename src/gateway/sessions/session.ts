/**
 * One connection and what is known of it. Most connections are idle most of the time, so a session holds little: what
 * only some need (open rooms, calls, typing) is made when it is needed.
 */
import { randomBytes } from "node:crypto";
import type { Actor, Credential, MemberKey } from "../../domain/model.ts";
import { CLOSE_CODES, type CloseReason } from "../../protocol/close-codes.ts";
import { encodeJson, encodeMsgpack } from "../../protocol/codec.ts";
import type { ReceiptFrame, ServerFrame } from "../../protocol/frames.ts";
import type { CodecName } from "../../protocol/subprotocols.ts";
import type { FollowedRoom, TopicSubscriber } from "../delivery/followed-room.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";
import type { Connection, ConnectionHandlers } from "../transport/connection.ts";

/** In each state a session may: say hello; wait for the answer; everything; finish what is under way; nothing. */
export type SessionState = "new" | "handshake" | "ready" | "leaving" | "gone";

/** A user with sessions on this gateway. */
export interface LocalUser {
  readonly id: number;
  /** Differs when a restored database gave the id to another user. */
  readonly uuid: string;
  readonly key: MemberKey;
  /** See `UserStore.changed`. */
  version: number;
  /** From the handshake on. */
  readonly sessions: Set<Session>;
  readonly listen: (message: Uint8Array) => void;
  /** Resolves when this gateway hears what is told the user, or that can't be waited for. Null afterwards. */
  listening: Promise<void> | null;
}

/** Who a session is, from `ready` on. */
export interface Identity {
  user: LocalUser;
  actor: Actor;
  credential: Credential;
  device: string | null;
}

/** A session that is ready, with who it is. */
export interface Speaker {
  session: Session;
  identity: Identity;
}

/** What the gateway does when something happens to a session. */
export interface SessionEvents {
  /** The session was told `ready`. */
  began(session: Session): void;
  received(session: Session, bytes: Uint8Array, isBinary: boolean): void;
  closed(session: Session, clean: boolean): void;
  /** The session is no longer in this room. */
  left(session: Session, room: FollowedRoom): void;
  /** The session's user waits in the room's lobby from now on. */
  shutOut(session: Session, room: FollowedRoom): void;
  /** The session's user was let in, and the session is live again. */
  resumed(session: Session, room: FollowedRoom): void;
  /** Memberships of the session's user have to be compared with the store. */
  outdated(session: Session): void;
}

/** A session that catches up pauses while more than this waits for its client. */
const PAUSE_BYTES = 256 * 1024;

export class Session implements ConnectionHandlers, TopicSubscriber {
  readonly connection: Connection;
  /** By `performance.now()`, as all times of a session: setting the wall clock anew ends no session. */
  readonly startedAt = performance.now();
  state: SessionState = "new";
  id = "";
  identity: Identity | null = null;
  /** Rooms with the seq of the member's own `member.joined`. */
  readonly rooms = new Map<FollowedRoom, number>();
  open: Set<FollowedRoom> | null = null;
  /** Calls with the session's flags. */
  calls: Map<FollowedRoom, number> | null = null;
  /** Rooms in which the user said that they type here; it ends by itself when it is not said again. */
  typing: Set<FollowedRoom> | null = null;
  /** Frames that came while hello was being answered. */
  waiting: unknown[] | null = null;
  lastHeard = this.startedAt;
  /** Commands under way. */
  inFlight = 0;
  /** When the session was last written to the registry of sessions, ms; 0: never. */
  registeredAt = 0;
  /** When the session's login was last noted to be in use. */
  notedAt = 0;
  slot = 0;
  /** Frames that may come now; see frame-rate.ts. */
  allowance: number;
  allowanceAt = this.startedAt;
  refusedFrames = 0;
  /** Too much waited for the client when it was last looked at; see slow-consumers.ts. */
  wasSlow = false;
  readonly #events: SessionEvents;
  #onDrained: (() => void) | null = null;
  #onQuiet: (() => void) | null = null;

  constructor(connection: Connection, events: SessionEvents, allowance: number) {
    this.connection = connection;
    this.#events = events;
    this.allowance = allowance;
  }

  get codec(): CodecName {
    return this.connection.codec;
  }
  get userId(): number {
    return this.identity?.user.id ?? 0;
  }
  get isSayingHello(): boolean {
    return this.state === "handshake";
  }
  get isReady(): boolean {
    return this.state === "ready";
  }
  get isGone(): boolean {
    return this.state === "gone";
  }

  /** @param ready the frame that tells the client */
  begin(id: string, ready: string | Uint8Array): void {
    this.id = id;
    this.connection.send(ready);
    this.state = "ready";
    this.#events.began(this);
  }

  // ── Sending ────────────────────────────────────────────────────────────────────────────────────────

  send(frame: ServerFrame): void {
    this.connection.send(this.codec === "json" ? encodeJson(frame) : encodeMsgpack(frame));
  }

  /** As `send`, in one call of the system with events that are delivered in this turn of the event loop. */
  sendWithEvents(frame: ServerFrame): void {
    this.connection.sendWithPublished(this.codec === "json" ? encodeJson(frame) : encodeMsgpack(frame));
  }

  deliver(room: FollowedRoom, event: EncodedEvent): void {
    const seen = room.hides(event, this.rooms.get(room) ?? 0) ? event.hidden : event;
    this.connection.send(this.codec === "json" ? seen.json : seen.msgpack);
  }

  batch(work: () => void): void {
    this.connection.together(work);
  }

  get isFull(): boolean {
    return this.connection.buffered() > PAUSE_BYTES;
  }

  async drained(): Promise<void> {
    while (!this.isGone && this.isFull) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    }
  }

  /** Resolves when no command is under way. */
  async quiet(): Promise<void> {
    if (this.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
  }

  commandDone(): void {
    this.inFlight--;
    if (this.inFlight === 0) this.#onQuiet?.();
  }

  // ── Rooms ──────────────────────────────────────────────────────────────────────────────────────────

  enter(room: FollowedRoom, joinedSeq: number): void {
    this.rooms.set(room, joinedSeq);
    room.sessions[this.codec]++;
    room.latestJoin = Math.max(room.latestJoin, joinedSeq);
    room.roster?.add(this);
  }

  /** Sent first: what was published before it goes out with it, and nothing is lost by unsubscribing. */
  deliverApart(room: FollowedRoom, event: EncodedEvent): void {
    this.deliver(room, event);
    this.connection.unsubscribe(room.topics[this.codec]);
  }

  tellOpen(room: FollowedRoom, frame: ReceiptFrame): void {
    if (this.open?.has(room) && room.isLive(this)) this.send(frame);
  }

  goLive(room: FollowedRoom): void {
    this.connection.subscribe(room.topics[this.codec]);
    if (this.open?.has(room)) this.connection.subscribe(room.openTopics[this.codec]);
  }

  /** What the session has open stays open. */
  pause(room: FollowedRoom): void {
    this.connection.unsubscribe(room.topics[this.codec]);
    this.connection.unsubscribe(room.openTopics[this.codec]);
  }
  shutOut(room: FollowedRoom): void {
    this.#events.shutOut(this, room);
  }
  resumed(room: FollowedRoom): void {
    this.#events.resumed(this, room);
  }

  end(room: FollowedRoom): void {
    if (!this.rooms.delete(room)) return;
    this.#release(room);
    this.pause(room);
    this.open?.delete(room);
    this.typing?.delete(room);
    this.#events.left(this, room);
  }
  refresh(): void {
    this.#events.outdated(this);
  }
  fail(): void {
    this.close("unavailable");
  }

  /** The connection is gone, and its subscriptions with it. */
  forgetRooms(): void {
    for (const room of this.rooms.keys()) this.#release(room);
    this.rooms.clear();
  }

  #release(room: FollowedRoom): void {
    room.sessions[this.codec]--;
    room.roster?.delete(this);
    room.pending(this)?.cancel();
  }

  // ── The connection ─────────────────────────────────────────────────────────────────────────────────

  /** [GW-10.1] Ends the session; with a goodbye where the client may come back and still listens [GW-10.2]. */
  close(reason: CloseReason, reconnectMs = Math.ceil(Math.random() * 1_000)): void {
    const { code, reconnect } = CLOSE_CODES[reason];
    if (reconnect && reason !== "too_slow") this.send({ op: "bye", code, reconnectMs });
    this.connection.end(code, reason);
  }

  onFrame(bytes: Uint8Array, isBinary: boolean): void {
    this.#events.received(this, bytes, isBinary);
  }
  onSign(): void {
    this.lastHeard = performance.now();
  }
  onDrain(): void {
    const wake = this.#onDrained;
    this.#onDrained = null;
    wake?.();
  }
  onClosed(clean: boolean): void {
    if (this.isGone) return;
    this.state = "gone";
    this.onDrain();
    this.#onQuiet?.();
    this.#events.closed(this, clean);
  }
}

const ID_BYTES = 15;
/** Random bytes for the next ids: asking for those of one costs more than all else that makes it. */
let forIds = Buffer.alloc(0);

export function newSessionId(): string {
  if (forIds.length === 0) forIds = randomBytes(ID_BYTES * 256);
  const bytes = forIds.subarray(0, ID_BYTES);
  forIds = forIds.subarray(ID_BYTES);
  return bytes.toString("base64url");
}
