/**
 * The users whose rooms the feed follows. Like sessions they follow the user's memberships: the events of a room say when
 * the user enters and leaves it, a hint on the user's channel tells gateways that do not follow the room, and comparing
 * with the store every few seconds, for all followed users together, is the safety net.
 */
import { isUnavailable } from "../../domain/errors.ts";
import { type User, userKey } from "../../domain/model.ts";
import { channels, type Subscriptions } from "../../domain/ports/bus.ts";
import type { Following, UserReader } from "../../domain/ports/feed.ts";
import type { UserStore } from "../../domain/ports/store/accounts/users.ts";
import type { RoomLists } from "../../domain/ports/store/room-lists.ts";
import type { Logger } from "../../logger.ts";
import type { UnreadFrame } from "../../protocol/frames.ts";
import type { CatchUp } from "../delivery/catch-up.ts";
import { subscribe } from "../delivery/catch-up-subscription.ts";
import type { Hub } from "../delivery/hub.ts";
import { leaveRooms } from "../delivery/leave-rooms.ts";
import type { Lobbies } from "../delivery/lobby.ts";
import { enterListed, unlisted } from "../delivery/room-list.ts";
import type { SubscriberKeeper } from "../delivery/subscribers.ts";
import type { JoinedHint } from "../frames/commit-publisher.ts";
import { FollowedUser, type FollowedUserEvents } from "./followed-user.ts";

export interface FollowedUsersOptions {
  hub: Hub;
  lobbies: Lobbies;
  catchUp: CatchUp;
  bus: Subscriptions;
  rooms: Pick<RoomLists, "sessionRooms">;
  accounts: Pick<UserStore, "changed" | "version">;
  logger: Pick<Logger, "warn">;
  everyMs?: number | undefined;
}

const EVERY_MS = 3_000;

type Listener = (message: Uint8Array) => void;

/** On the user's channel. */
interface UserHint {
  hint?: "joined" | "settings" | "entry" | "connection" | "changed";
  roomId?: number;
  room?: string;
  seq?: number;
  at?: number;
  unread?: UnreadFrame;
  /** For sessions alone. */
  frame?: object;
}

export class FollowedUsers implements SubscriberKeeper, FollowedUserEvents {
  readonly #options: FollowedUsersOptions;
  readonly #users = new Map<number, FollowedUser>();
  readonly #listeners = new Map<FollowedUser, Listener>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: FollowedUsersOptions) {
    this.#options = options;
    this.#timer = setInterval(
      () => void this.#compare([...this.#users.values()]),
      options.everyMs ?? EVERY_MS,
    );
    this.#timer.unref();
  }

  subscribersOf(userId: number): FollowedUser[] {
    const user = this.#users.get(userId);
    return user ? [user] : [];
  }
  subscribers(): IterableIterator<FollowedUser> {
    return this.#users.values();
  }

  async follow(who: Pick<User, "id" | "uuid">, reader: UserReader): Promise<Following> {
    const known = this.#users.get(who.id);
    // A restored database gave the id to another user.
    if (known && known.uuid !== who.uuid) this.#gone(known);
    const user = this.#users.get(who.id) ?? this.#begin(who);
    user.readers.add(reader);
    const stop = () => {
      user.readers.delete(reader);
      if (user.readers.size === 0) this.#end(user);
    };
    try {
      await user.begun;
    } catch (error) {
      stop();
      throw error;
    }
    return { stop };
  }

  /** The log is another one: every reader is told, and no user is followed any more. */
  lost(): void {
    for (const user of [...this.#users.values()]) this.failed(user);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const user of [...this.#users.values()]) this.#end(user);
  }

  outdated(user: FollowedUser): void {
    void this.#quietly([user], () => this.#align(user, "joining"));
  }

  /** Its readers have to begin anew. */
  failed(user: FollowedUser): void {
    const readers = [...user.readers];
    this.#end(user);
    for (const reader of readers) reader.lost?.();
  }

  #begin(who: Pick<User, "id" | "uuid">): FollowedUser {
    const user = new FollowedUser(who, this);
    const listener: Listener = (message) => this.#heard(user, message);
    const { userId } = user;
    this.#users.set(userId, user);
    this.#listeners.set(user, listener);
    const { bus, accounts } = this.#options;
    // Subscribed before the rooms are read: a room that the user joins in between is hinted at.
    const subscribed = bus.subscribe(channels.user(userId), listener).catch(() => {});
    user.begun = subscribed.then(async () => {
      user.version = (await accounts.version(userId)) ?? 0;
      await this.#align(user, "head");
    });
    return user;
  }

  #gone(user: FollowedUser): void {
    user.tell((reader) => reader.gone?.());
    this.#end(user);
  }

  #end(user: FollowedUser): void {
    const listener = this.#listeners.get(user);
    if (!listener) return;
    this.#users.delete(user.userId);
    this.#listeners.delete(user);
    user.close();
    this.#options.bus.unsubscribe(channels.user(user.userId), listener).catch(() => {});
  }

  /** Reads which rooms the user is in, enters those that are missing and leaves those that are not listed. */
  async #align(user: FollowedUser, from: "head" | "joining"): Promise<void> {
    const { hub, rooms, catchUp } = this.#options;
    const listed = await rooms.sessionRooms(userKey(user.userId), { most: 0 });
    if (user.isGone) return;
    user.isReady = true;
    void catchUp.read(user, enterListed(this.#options, user, listed, from));
    await leaveRooms(hub, user, unlisted(user, listed));
  }

  // ── The user's channel ─────────────────────────────────────────────────────────────────────────────

  #heard(user: FollowedUser, message: Uint8Array): void {
    const hint = readHint(message);
    const { roomId, room, seq, at = 0 } = hint;
    if (hint.unread) this.#tellMarker(user, hint.unread);
    else if (hint.hint === "joined" && roomId !== undefined && room && seq) {
      this.#joined(user, { hint: "joined", roomId, room, seq });
    } else if (hint.hint === "settings" && roomId !== undefined) {
      user.tell((reader) => reader.settings?.({ roomId, at }));
    } else if (hint.hint === "connection") user.tell((reader) => reader.connections?.({ at }));
    else if (!hint.frame && hint.hint !== "entry") void this.#compare([user]);
  }

  /**
   * The user joined a room. A hint that comes while the list of rooms is being read waits for it: a room of the list is
   * followed already, and the list says whether its lobby is open.
   */
  #joined(user: FollowedUser, { roomId, room: token, seq }: JoinedHint): void {
    const { hub, lobbies, catchUp } = this.#options;
    const enter = () => {
      if (user.isGone) return;
      const room = hub.follow(roomId, token, { head: { seq: seq - 1, at: 0 } });
      hub.noteHead(room, seq);
      if (user.rooms.has(room)) return;
      user.enter(room, seq);
      const subscription = subscribe(user, room, seq - 1, seq - 1, lobbies);
      if (subscription) void catchUp.read(user, [subscription]);
    };
    user.begun.then(enter, () => {}); // Where the list can't be read, nobody follows the user.
  }

  #tellMarker(user: FollowedUser, { room: token, read, unread, mention }: UnreadFrame): void {
    const room = this.#options.hub.byToken(token);
    if (!room) return;
    user.tell((reader) => reader.marker?.({ roomId: room.id, read, unread, mention }));
  }

  /** Looks for users whose memberships or account changed. Never rejects. */
  async #compare(users: readonly FollowedUser[]): Promise<void> {
    if (users.length === 0) return;
    await this.#quietly(users, async () => {
      const seen = users.map(({ userId, version }) => ({ userId, version }));
      for (const { userId, version } of await this.#options.accounts.changed(seen)) {
        const user = this.#users.get(userId);
        if (user) await this.#changed(user, version);
      }
    });
  }

  async #changed(user: FollowedUser, version: number | null): Promise<void> {
    if (version === null) {
      this.#gone(user);
      return;
    }
    await user.begun;
    user.version = version;
    await this.#align(user, "joining");
    user.tell((reader) => reader.connections?.({ at: 0 }));
  }

  /** Never rejects. */
  async #quietly(users: readonly FollowedUser[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (isUnavailable(error)) return;
      const fields = { event: "feed.compare_failed", users: users.length, err: error };
      this.#options.logger.warn(
        fields,
        "could not compare followed users with the store; retrying in seconds",
      );
    }
  }
}

/** A message that is not understood still says that something changed. */
function readHint(message: Uint8Array): UserHint {
  try {
    return JSON.parse(new TextDecoder().decode(message)) as UserHint;
  } catch {
    return { hint: "changed" };
  }
}
