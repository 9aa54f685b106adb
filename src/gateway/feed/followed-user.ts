/**
 * Readers of all rooms of a user. Like sessions they follow the user's memberships: the events of a room say when the
 * user leaves it, a hint on the user's channel says where they joined, and comparing with the store every few seconds,
 * for all followed users together, is the safety net. What a user may not read while a lobby is shut waits; see lobby.ts.
 */
import { isUnavailable } from "../../domain/errors.ts";
import { type Actor, type LoggedEvent, type User, userKey } from "../../domain/model.ts";
import { channels, type Subscriptions } from "../../domain/ports/bus.ts";
import type { Following, UserReader } from "../../domain/ports/feed.ts";
import type { RoomLog } from "../../domain/ports/store/log.ts";
import type { RoomLists } from "../../domain/ports/store/room-lists.ts";
import type { RoomQueries } from "../../domain/ports/store/rooms.ts";
import type { UserStore } from "../../domain/ports/store/users.ts";
import type { Logger } from "../../logger.ts";
import type { UnreadFrame } from "../../protocol/frames.ts";
import type { FollowedRoom } from "../delivery/followed-room.ts";
import type { Hub } from "../delivery/hub.ts";
import { type Lobbies, mayShut } from "../delivery/lobby.ts";
import { addReader } from "../delivery/room-readers.ts";
import type { JoinedHint } from "../frames/commit-publisher.ts";
import { CHANGES_STANDING } from "../frames/encoded-event.ts";

export interface FeedOptions {
  hub: Hub;
  lobbies: Pick<Lobbies, "hold">;
  bus: Subscriptions;
  log: Pick<RoomLog, "heads" | "range">;
  rooms: Pick<RoomQueries, "byId"> & Pick<RoomLists, "sessionRooms">;
  accounts: Pick<UserStore, "changed" | "version">;
  logger: Pick<Logger, "warn">;
  everyMs?: number | undefined;
}

const EVERY_MS = 3_000;
const PAGE = 500;

interface FollowedUser {
  readonly id: number;
  readonly uuid: string;
  version: number;
  readonly readers: Set<UserReader>;
  /** How to end the reading of each room, or the waiting for it; null while it begins. */
  readonly rooms: Map<FollowedRoom, (() => void) | null>;
  readonly listen: (message: Uint8Array) => void;
  /** Resolves when the user's rooms are followed. */
  begun: Promise<void>;
}

interface UserNews {
  hint?: "joined" | "settings" | "connection" | "changed";
  conversationId?: number;
  room?: string;
  seq?: number;
  at?: number;
  unread?: UnreadFrame;
}

export class FollowedUsers {
  readonly #options: FeedOptions;
  readonly #users = new Map<number, FollowedUser>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#timer = setInterval(
      () => void this.#compare([...this.#users.values()]),
      options.everyMs ?? EVERY_MS,
    );
    this.#timer.unref();
  }

  async follow(who: Pick<User, "id" | "uuid">, reader: UserReader): Promise<Following> {
    const known = this.#users.get(who.id);
    // A restored database gave the id to somebody else.
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

  /** The log is another one: everybody is told, and nobody is followed any more. */
  lost(): void {
    for (const user of [...this.#users.values()]) {
      const readers = [...user.readers];
      this.#end(user);
      for (const reader of readers) reader.lost?.();
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const user of [...this.#users.values()]) this.#end(user);
  }

  #begin({ id, uuid }: Pick<User, "id" | "uuid">): FollowedUser {
    const user: FollowedUser = {
      id,
      uuid,
      version: 0,
      readers: new Set(),
      rooms: new Map(),
      listen: (message) => this.#heard(user, message),
      begun: Promise.resolve(),
    };
    this.#users.set(id, user);
    const { bus } = this.#options;
    // Subscribed before the rooms are read: whoever joins in between is told of it.
    const subscribed = bus.subscribe(channels.user(id), user.listen).catch(() => {});
    user.begun = subscribed.then(async () => {
      user.version = (await this.#options.accounts.version(id)) ?? 0;
      await this.#align(user, "head");
    });
    return user;
  }

  #gone(user: FollowedUser): void {
    tellAll(user, (reader) => reader.gone?.());
    this.#end(user);
  }

  #end(user: FollowedUser): void {
    if (this.#users.get(user.id) !== user) return;
    this.#users.delete(user.id);
    for (const stop of user.rooms.values()) stop?.();
    user.rooms.clear();
    this.#options.bus.unsubscribe(channels.user(user.id), user.listen).catch(() => {});
  }

  /**
   * Reads what the user is in, and follows what is missing.
   * @param from where the telling begins: at the log's end, or with the user's joining
   */
  async #align(user: FollowedUser, from: "head" | "joining"): Promise<void> {
    const { hub, rooms } = this.#options;
    const listed = await rooms.sessionRooms(userKey(user.id));
    for (const { id, token, joinedSeq, head, at, lobby, history } of listed) {
      const room = hub.follow(id, token, { head: { seq: head, at }, mayShutOut: lobby, history });
      hub.noteHead(room, head);
      const after = from === "head" ? head : Math.max(joinedSeq - 1, 0);
      if (from === "head" && lobby && !user.rooms.has(room)) this.#hold(user, room, after);
      else void this.#enter(user, room, after, lobby ? after : head);
    }
    const ids = new Set(listed.map(({ id }) => id));
    for (const room of [...user.rooms.keys()]) if (!ids.has(room.id)) await hub.fillToNow([room]);
  }

  /**
   * Tells what the log has after `after`, then whatever the hub delivers. What may shut the lobby up to the seq `judged`
   * needs no asking. Never rejects.
   */
  async #enter(user: FollowedUser, room: FollowedRoom, after: number, judged: number): Promise<void> {
    if (user.rooms.has(room)) return;
    user.rooms.set(room, null);
    try {
      let seq = after;
      while (seq < room.delivered && user.rooms.get(room) === null) {
        const events = await this.#options.log.range(room.id, seq, room.delivered, PAGE);
        for (const event of events) if (user.rooms.get(room) === null) this.#hear(user, room, event, judged);
        if (events.length === 0) break;
        seq = events.at(-1)?.seq ?? seq;
      }
      // In the turn in which both stand at the same seq.
      if (user.rooms.get(room) === null) user.rooms.set(room, this.#read(user, room, seq, judged));
    } catch (error) {
      user.rooms.delete(room);
      if (isUnavailable(error)) return;
      this.#options.logger.warn({ err: error }, "A room can't be followed now; it is tried again");
    }
  }

  /** The hub may stand before `after`: what it delivers up to there was told, or is from before the user's time. */
  #read(user: FollowedUser, room: FollowedRoom, after: number, judged: number): () => void {
    return addReader(room, {
      event: (event) => {
        if (event.seq > after) this.#hear(user, room, event, judged);
      },
      typing: (news) => tellAll(user, (reader) => reader.typing?.(news)),
      call: (news) => tellAll(user, (reader) => reader.call?.(news)),
      presence: (news) => tellAll(user, (reader) => reader.presence?.(news)),
    });
  }

  #hear(user: FollowedUser, room: FollowedRoom, event: LoggedEvent, judged: number): void {
    this.#tell(user, room, event);
    if (event.seq <= judged || !CHANGES_STANDING.has(event.type) || !user.rooms.has(room)) return;
    const { seq, type, dataJson } = event;
    if (mayShut(room, { seq, type, data: JSON.parse(dataJson) }, user.id)) this.#hold(user, room, seq);
  }

  /** Tells nothing of the room after `at` until the user may read there. */
  #hold(user: FollowedUser, room: FollowedRoom, at: number): void {
    user.rooms.get(room)?.();
    const stop = () => room.release(user);
    user.rooms.set(room, stop);
    const { hub, lobbies } = this.#options;
    lobbies.hold(room, user, {
      ...{ userId: user.id, waits: false },
      letIn: (judged) => {
        user.rooms.delete(room);
        void this.#enter(user, room, at, judged);
      },
      end: (event) => {
        if (event.seq > at) this.#tell(user, room, event.logged(room.id));
      },
      missing: () =>
        void hub.fillToNow([room]).then(() => {
          if (user.rooms.get(room) !== stop) return;
          stop();
          user.rooms.delete(room);
        }),
    });
  }

  #tell(user: FollowedUser, room: FollowedRoom, event: LoggedEvent): void {
    tellAll(user, (reader) => reader.event(event));
    if (event.type === "room.deleted" || (event.type === "member.left" && isAbout(event, user.id))) {
      user.rooms.get(room)?.();
      user.rooms.delete(room);
    }
  }

  // ── The user's channel ─────────────────────────────────────────────────────────────────────────────

  #heard(user: FollowedUser, message: Uint8Array): void {
    const news = readNews(message);
    const { conversationId } = news;
    if (news.unread) this.#tellMarker(user, news.unread);
    else if (news.hint === "joined" && conversationId !== undefined && news.room && news.seq) {
      this.#joined(user, { hint: "joined", conversationId, room: news.room, seq: news.seq });
    } else if (news.hint === "settings" && conversationId !== undefined) {
      tellAll(user, (reader) => reader.settings?.({ conversationId, at: news.at ?? 0 }));
    } else if (news.hint === "connection") {
      tellAll(user, (reader) => reader.connections?.({ at: news.at ?? 0 }));
    } else void this.#compare([user]);
  }

  /**
   * The user joined a room. A hint that comes while the list of rooms is being read waits for it: a room of the list is
   * followed already, and the list says whether its lobby is open.
   */
  #joined(user: FollowedUser, { conversationId, room: token, seq }: JoinedHint): void {
    const { hub } = this.#options;
    const enter = () => {
      if (this.#users.get(user.id) !== user) return;
      const room = hub.follow(conversationId, token, { head: { seq: seq - 1, at: 0 } });
      hub.noteHead(room, seq);
      void this.#enter(user, room, seq - 1, seq - 1);
    };
    user.begun.then(enter, () => {}); // Where the list can't be read, nobody follows the user.
  }

  #tellMarker(user: FollowedUser, { room: token, read, unread, mention }: UnreadFrame): void {
    const room = this.#options.hub.byToken(token);
    if (!room) return;
    tellAll(user, (reader) => reader.marker?.({ conversationId: room.id, read, unread, mention }));
  }

  /** Whose memberships or account changed? Never rejects. */
  async #compare(users: readonly FollowedUser[]): Promise<void> {
    if (users.length === 0) return;
    try {
      const seen = users.map(({ id, version }) => ({ userId: id, version }));
      for (const { userId, version } of await this.#options.accounts.changed(seen)) {
        const user = this.#users.get(userId);
        if (!user) continue;
        if (version === null) {
          this.#gone(user);
          continue;
        }
        await user.begun;
        user.version = version;
        await this.#align(user, "joining");
        tellAll(user, (reader) => reader.connections?.({ at: 0 }));
      }
    } catch (error) {
      if (isUnavailable(error)) return;
      this.#options.logger.warn(
        { err: error },
        "Followed users can't be compared now; they are compared again",
      );
    }
  }
}

/** A reader may stop, or be followed by another, while it is told. */
function tellAll({ readers }: FollowedUser, tell: (reader: UserReader) => void): void {
  for (const reader of [...readers]) tell(reader);
}

function isAbout(event: LoggedEvent, userId: number): boolean {
  const { member } = JSON.parse(event.dataJson) as { member: Actor };
  return member.kind === "user" && member.id === String(userId);
}

/** Whatever is not understood still says that something changed. */
function readNews(message: Uint8Array): UserNews {
  try {
    return JSON.parse(new TextDecoder().decode(message)) as UserNews;
  } catch {
    return { hint: "changed" };
  }
}
