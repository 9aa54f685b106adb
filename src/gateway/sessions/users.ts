/** The users with sessions on this gateway, and what comes for them over their channel. */

import { type User, userKey } from "../../domain/model.ts";
import type { EntryHint, UserBroadcast } from "../../domain/ports/broadcasts.ts";
import { channels, type Subscriptions } from "../../domain/ports/bus.ts";
import type {
  BlockFrame,
  ConnectionFrame,
  ContactFrame,
  HiddenFrame,
  SignalFrame,
  UserFrame,
} from "../../protocol/frames.ts";
import type { SubscriberKeeper } from "../delivery/subscribers.ts";
import type { JoinedHint } from "../frames/commit-publisher.ts";
import type { LocalUser, Session } from "./session.ts";

type UserMessage = JoinedHint | UserBroadcast;
/** Those for readers of the feed alone are passed over here. */
const KNOWN_HINTS: ReadonlySet<unknown> = new Set(["joined", "entry", "settings", "connection"]);

/** A subscription to a user's channel is waited for no longer, ms. */
const LISTENING_WITHIN_MS = 1_000;
/** Frames that are kept for a session that says hello; more than these come with a new hello. */
const MAX_KEPT = 100;

export interface UserHints {
  /** The user joined a room. */
  joined(user: LocalUser, hint: JoinedHint): void;
  /** The user's entry of a room changed. */
  entry(user: LocalUser, hint: EntryHint): void;
  /** The user read in a room while the session said hello: the entry in its list may be older. */
  missed(session: Session, roomId: number): void;
  /** Something about the user changed: look at the store. */
  changed(user: LocalUser): void;
}

export class Users implements SubscriberKeeper {
  readonly #byId = new Map<number, LocalUser>();
  readonly #bus: Subscriptions;
  /** What was told while a session said hello: its `ready` may be older. */
  readonly #kept = new WeakMap<Session, OwnSessionFrame[]>();
  #on: UserHints = { joined() {}, entry() {}, missed() {}, changed() {} };

  constructor(bus: Subscriptions) {
    this.#bus = bus;
  }

  listen(hints: Partial<UserHints>): void {
    this.#on = { ...this.#on, ...hints };
  }

  get(id: number): LocalUser | undefined {
    return this.#byId.get(id);
  }
  all(): IterableIterator<LocalUser> {
    return this.#byId.values();
  }

  subscribersOf(userId: number): Iterable<Session> {
    return this.#byId.get(userId)?.sessions ?? [];
  }
  *subscribers(): Generator<Session> {
    for (const { sessions } of this.#byId.values()) yield* sessions;
  }

  /** Adds a session. A subscription that can't be had now is no harm: versions are compared every few seconds. */
  attach({ id, uuid }: Pick<User, "id" | "uuid">, version: number, session: Session): LocalUser {
    let user = this.#byId.get(id);
    if (user && user.uuid !== uuid) {
      this.#forget(user);
      for (const each of [...user.sessions]) each.close("unauthorized");
      user = undefined;
    }
    if (!user) {
      const made: LocalUser = {
        id,
        uuid,
        key: userKey(id),
        version,
        sessions: new Set(),
        listen: (message) => this.#heard(made, message),
        listening: null,
      };
      user = made;
      this.#byId.set(id, made);
      made.listening = this.#listen(made);
    }
    user.version = Math.min(user.version, version);
    user.sessions.add(session);
    return user;
  }

  /** Never rejects. A bus that is stuck keeps nobody out: what it has not told then is found as after an outage. */
  async #listen(user: LocalUser): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LISTENING_WITHIN_MS);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#bus.subscribe(channels.user(user.id), user.listen).then(done, done);
    });
    user.listening = null;
  }

  /** [GW-8.6] The user's sessions go on under this name. @returns those that had another */
  rename(id: number, name: string): Session[] {
    const renamed: Session[] = [];
    for (const session of this.#byId.get(id)?.sessions ?? []) {
      const { identity } = session;
      if (!identity || identity.actor.name === name) continue;
      identity.actor = { ...identity.actor, name };
      renamed.push(session);
    }
    return renamed;
  }

  detach(user: LocalUser, session: Session): void {
    user.sessions.delete(session);
    if (user.sessions.size === 0 && this.#byId.get(user.id) === user) this.#forget(user);
  }

  /** The session was told `ready`. */
  began(session: Session): void {
    for (const frame of this.#kept.get(session) ?? []) session.send(frame);
    this.#kept.delete(session);
  }

  #forget(user: LocalUser): void {
    this.#byId.delete(user.id);
    this.#bus.unsubscribe(channels.user(user.id), user.listen).catch(() => {});
  }

  #keep(session: Session, frame: OwnSessionFrame): void {
    const kept = this.#kept.get(session) ?? [];
    this.#kept.set(session, kept);
    if (kept.push(frame) > MAX_KEPT) kept.shift();
  }

  #heard(user: LocalUser, message: Uint8Array): void {
    const heard = readMessage(message);
    if ("unread" in heard) {
      for (const session of user.sessions) {
        if (session.isSayingHello && heard.roomId) this.#on.missed(session, heard.roomId);
        if (session.isReady && session.id !== heard.except) session.send(heard.unread);
      }
    } else if ("frame" in heard) {
      const frame = heard.frame as OwnSessionFrame;
      const only = "only" in heard ? heard.only : undefined;
      if (frame.op === "user") this.rename(user.id, frame.user.name);
      for (const session of user.sessions) {
        if (session.isSayingHello && only === undefined) this.#keep(session, frame);
        if (session.isReady && (only === undefined || session.id === only)) session.send(frame);
      }
    } else if (heard.hint === "joined") this.#on.joined(user, heard);
    else if (heard.hint === "entry") this.#on.entry(user, heard);
    else if (heard.hint === "changed") this.#on.changed(user);
  }
}

type OwnSessionFrame = UserFrame | BlockFrame | ContactFrame | ConnectionFrame | HiddenFrame | SignalFrame;

/** A message that this version does not know still says that something about the user changed. */
function readMessage(message: Uint8Array): UserMessage {
  try {
    const parsed = JSON.parse(new TextDecoder().decode(message)) as {
      unread?: unknown;
      frame?: unknown;
      hint?: unknown;
    };
    if (parsed.unread || parsed.frame || KNOWN_HINTS.has(parsed.hint)) return parsed as UserMessage;
  } catch {
    // Not ours: another version, or another part of the program.
  }
  return { hint: "changed" };
}
