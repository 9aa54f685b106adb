/**
 * [GW-15.4] Tells sessions of their user's entry of a room when the room becomes the user's or the entry changes. Events of the
 * room and hints on the user's channel say that something changed; the entry is read anew. One look-up of a room is under way
 * at a time: what changes meanwhile waits for the next one, so a room that changes all the time costs one query after another.
 */
import { isUnavailable } from "../../domain/errors.ts";
import { type Actor, userKey } from "../../domain/model.ts";
import type { RoomEntries, RoomEntryView } from "../../domain/use-cases/room-entries.ts";
import type { Logger } from "../../logger.ts";
import { encodeJson, encodeMsgpack } from "../../protocol/codec.ts";
import type { RoomFrame } from "../../protocol/frames.ts";
import type { FollowedRoom } from "../delivery/followed-room.ts";
import type { Hub } from "../delivery/hub.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";
import { type EntryShape, roomPart } from "../frames/room-entry.ts";
import type { Topics } from "../transport/topics.ts";
import { Session } from "./session.ts";
import type { Users } from "./users.ts";

/** Users whose entries of one room are read at once. */
const MAX_USERS = 200;
/**
 * In rooms with more sessions here a change of the room is told once for all of them [GW-15.6]: the whole entry of each would
 * be a row of the store for each member, at the wish of whoever may rename the room.
 */
const MAX_WHOLE = 100;
const ASKED_FOR_PART = 5;

export interface EntryNewsOptions {
  hub: Pick<Hub, "get" | "roster">;
  users: Pick<Users, "get">;
  topics: Pick<Topics, "publish">;
  roomEntries: Pick<RoomEntries, "ofMembers">;
  entries: Pick<EntryShape, "shape">;
  logger: Pick<Logger, "warn">;
}

/** What is to be told of a room. */
interface Due {
  users: Set<number>;
  /** All sessions are told what they have alike. */
  part: boolean;
}

export class EntryNews {
  readonly #options: EntryNewsOptions;
  readonly #due = new Map<number, Due>();
  readonly #reading = new Set<number>();
  /** Rooms whose entries changed while a session said hello: its list may be older. */
  readonly #missed = new WeakMap<Session, Set<number>>();

  constructor(options: EntryNewsOptions) {
    this.#options = options;
  }

  /** The hub has just delivered this event of AFFECTS_ACCESS. */
  accessEvent(room: FollowedRoom, event: EncodedEvent): void {
    if (event.type === "room.changed") this.#roomChanged(room, event.seq);
    else if (event.type === "member.joined" || event.type === "member.changed") {
      const member = event.parsed().data.member as Actor;
      if (member.kind === "user") this.changed(room.id, [Number(member.id)]);
    }
  }

  /** Those of the users who have sessions here are told their entries. */
  changed(roomId: number, userIds: readonly number[]): void {
    const here = userIds.filter((id) => this.#options.users.get(id));
    if (here.length === 0) return;
    const { users } = this.#dueIn(roomId);
    for (const id of here) users.add(id);
    this.#start(roomId);
  }

  /** The session was told `ready`. */
  began(session: Session): void {
    for (const roomId of this.#missed.get(session) ?? []) this.changed(roomId, [session.userId]);
    this.#missed.delete(session);
  }

  #roomChanged(room: FollowedRoom, seq: number): void {
    room.changedSeq = seq;
    const { json, msgpack } = room.sessions;
    if (json + msgpack === 0) return;
    if (json + msgpack > MAX_WHOLE) {
      this.#dueIn(room.id).part = true;
      this.#start(room.id);
    } else {
      this.changed(
        room.id,
        [...this.#options.hub.roster(room)].map(({ userId }) => userId),
      );
    }
  }

  #dueIn(roomId: number): Due {
    const due = this.#due.get(roomId) ?? { users: new Set(), part: false };
    this.#due.set(roomId, due);
    return due;
  }

  /** A later turn begins: who joins in this one is told in one go. */
  #start(roomId: number): void {
    if (this.#reading.has(roomId)) return;
    this.#reading.add(roomId);
    setImmediate(() => void this.#tellAll(roomId));
  }

  /** Never rejects. What can't be read is not told: sessions that the store is away from end, and resume. */
  async #tellAll(roomId: number): Promise<void> {
    try {
      for (let due = this.#take(roomId); due; due = this.#take(roomId)) {
        if (due.part) await this.#tellPart(roomId);
        await this.#tell(roomId, [...due.users]);
      }
    } catch (error) {
      if (isUnavailable(error)) return;
      const fields = { event: "entries.read_failed", roomId, err: error };
      this.#options.logger.warn(
        fields,
        "could not read entries of a room; its sessions see them with the next change",
      );
    } finally {
      this.#reading.delete(roomId);
      if (this.#due.has(roomId)) this.#start(roomId);
    }
  }

  #take(roomId: number): Due | undefined {
    const due = this.#due.get(roomId);
    this.#due.delete(roomId);
    return due;
  }

  async #tell(roomId: number, userIds: readonly number[]): Promise<void> {
    for (let start = 0; start < userIds.length; start += MAX_USERS) {
      const some = userIds.slice(start, start + MAX_USERS);
      const found = await this.#options.roomEntries.ofMembers(roomId, some.map(userKey));
      for (const id of some) {
        const view = found.get(userKey(id));
        if (view) this.#tellUser(id, view);
      }
    }
  }

  #tellUser(userId: number, view: RoomEntryView): void {
    const room = this.#options.entries.shape(view);
    const frame: RoomFrame = { op: "room", rev: room.rev, room };
    for (const session of this.#options.users.get(userId)?.sessions ?? []) {
      if (session.isReady) session.send(frame);
      else if (!session.isGone) this.missed(session, view.room.id);
    }
  }

  /** The entry changed while the session says hello. */
  missed(session: Session, roomId: number): void {
    const missed = this.#missed.get(session) ?? new Set();
    missed.add(roomId);
    this.#missed.set(session, missed);
  }

  /** What all have alike is read as the entry of one of them. */
  async #tellPart(roomId: number): Promise<void> {
    const { hub, roomEntries, entries, topics } = this.#options;
    const followed = hub.get(roomId);
    if (!followed) return;
    // Some of them: whoever has just left has no entry.
    const some = [...hub.roster(followed)].slice(0, ASKED_FOR_PART).map(({ userId }) => userKey(userId));
    const [view] = (await roomEntries.ofMembers(roomId, some)).values();
    if (!view) return;
    const frame: RoomFrame = { op: "room", part: true, room: roomPart(entries.shape(view)) };
    const { sessions, topics: names, paused, catchingUp } = followed;
    if (sessions.json > 0) topics.publish(names.json, encodeJson(frame), false);
    if (sessions.msgpack > 0) topics.publish(names.msgpack, encodeMsgpack(frame), true);
    const apart = new Set([...(paused?.keys() ?? []), ...catchingUp.map(({ subscriber }) => subscriber)]);
    for (const subscriber of apart) if (subscriber instanceof Session) subscriber.send(frame);
  }
}
