/**
 * Sessions follow their user's memberships. The events of a room say who comes and goes, in their place in the log; a
 * hint on the user's channel tells gateways that do not follow the room; comparing with the store is the safety net.
 */
import { isUnavailable } from "../../domain/errors.ts";
import type { Actor } from "../../domain/model.ts";
import type { RoomLists, SessionRoom } from "../../domain/ports/store/room-lists.ts";
import type { Logger } from "../../logger.ts";
import type { CatchUp } from "../delivery/catch-up.ts";
import type { Entry } from "../delivery/catch-up-subscription.ts";
import type { FollowedRoom } from "../delivery/followed-room.ts";
import type { Hub } from "../delivery/hub.ts";
import { type Lobbies, lobbyChange, mayShut } from "../delivery/lobby.ts";
import type { JoinedHint } from "../frames/commit-publisher.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";
import type { LocalUser, Session } from "./session.ts";
import type { Users } from "./users.ts";

export interface MembershipOptions {
  hub: Hub;
  users: Users;
  rooms: Pick<RoomLists, "sessionRooms">;
  lobbies: Pick<Lobbies, "judge" | "end">;
  catchUp: CatchUp;
  logger: Pick<Logger, "warn">;
}

export class Memberships {
  readonly #options: MembershipOptions;
  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** The hub has just delivered this event. */
  follow(room: FollowedRoom, event: EncodedEvent): void {
    switch (event.type) {
      case "room.deleted":
        this.#options.lobbies.end(room, event);
        for (const session of this.#sessions()) endStay(session, room, event.seq);
        break;
      case "room.changed":
        this.#roomChanged(room, event);
        break;
      default:
        this.#memberChanged(room, event);
    }
  }

  /** [GW-12.1] */
  #roomChanged(room: FollowedRoom, event: EncodedEvent): void {
    const change = lobbyChange(event.parsed());
    if (!change) return;
    room.mayShutOut = change.shut;
    if (change.shut) {
      for (const session of this.#sessions()) if (session.isLive(room)) session.hold(room, event.seq);
    }
    this.#options.lobbies.judge(room);
  }

  #memberChanged(room: FollowedRoom, event: EncodedEvent): void {
    const { lobbies, users } = this.#options;
    const frame = event.parsed();
    const member = frame.data.member as Actor;
    if (member.kind !== "user") return;
    const userId = Number(member.id);
    if (event.type === "member.left") lobbies.end(room, event, userId);
    for (const session of users.get(userId)?.sessions ?? []) {
      if (event.type === "member.left") endStay(session, room, event.seq);
      else {
        if (event.type === "member.joined") beginStay(session, room, event);
        if (session.isLive(room) && mayShut(room, frame, userId)) session.hold(room, event.seq);
      }
    }
    if (event.type === "member.changed") lobbies.judge(room, userId);
  }

  *#sessions(): Generator<Session> {
    for (const user of this.#options.users.all()) yield* user.sessions;
  }

  /** The user joined a room, perhaps one that this gateway does not follow. */
  joined(user: LocalUser, { conversationId, room: token, seq }: JoinedHint): void {
    const hub = this.#options.hub;
    const followed = hub.get(conversationId);
    if (!followed) {
      // Delivering the event brings the sessions in.
      void hub.fill([hub.follow(conversationId, token, { head: { seq: seq - 1, at: 0 } })]);
      return;
    }
    if ([...user.sessions].every((session) => session.state !== "ready" || session.rooms.has(followed)))
      return;
    if (followed.delivered < seq) hub.noteHead(followed, seq);
    else void this.refresh(user);
  }

  /** Compares the user's sessions with the store. Never rejects. */
  async refresh(user: LocalUser): Promise<void> {
    try {
      const rooms = await this.#options.rooms.sessionRooms(user.key);
      await Promise.all([...user.sessions].map((session) => this.#align(session, rooms)));
    } catch (error) {
      if (isUnavailable(error)) return;
      this.#options.logger.warn(
        { err: error, user: user.id },
        "Memberships can't be read now; they are read again",
      );
    }
  }

  async #align(session: Session, rooms: readonly SessionRoom[]): Promise<void> {
    if (session.state !== "ready") return;
    const hub = this.#options.hub;
    const entries: Entry[] = [];
    const listed = new Set<number>();
    for (const { id, token, joinedSeq, head, at: headAt, lobby, history } of rooms) {
      listed.add(id);
      const room = hub.follow(id, token, { head: { seq: head, at: headAt }, mayShutOut: lobby, history });
      hub.noteHead(room, head);
      if (session.rooms.has(room)) continue;
      const at = Math.max(0, joinedSeq - 1);
      session.enter(room, joinedSeq);
      const entry = session.follow(room, at, lobby ? at : head);
      if (entry) entries.push(entry);
    }
    const gone = [...session.rooms.keys()].filter((room) => !listed.has(room.id));
    await Promise.all([this.#options.catchUp(session, entries), this.leave(session, gone)]);
  }

  /** The log tells when the user left; where it does not (any more), the sessions leave without its word. */
  async leave(session: Session, rooms: readonly FollowedRoom[]): Promise<void> {
    if (rooms.length === 0) return;
    const before = rooms.map((room) => session.rooms.get(room));
    await this.#options.hub.fillToNow(rooms);
    rooms.forEach((room, n) => {
      const isOnItsWay = room.entries.some((entry) => entry.session === session);
      if (!isOnItsWay && session.rooms.get(room) === before[n]) session.leave(room);
    });
  }
}

function beginStay(session: Session, room: FollowedRoom, event: EncodedEvent): void {
  if (session.state !== "ready" || session.rooms.has(room)) return;
  session.enter(room, event.seq);
  session.deliver(room, event);
  session.follow(room, event.seq, event.seq);
}

/** A departure from before the member joined again is history. */
function endStay(session: Session, room: FollowedRoom, seq: number): void {
  const joinedSeq = session.rooms.get(room);
  if (joinedSeq === undefined || seq <= joinedSeq) return;
  const entry = room.entries.find((each) => each.session === session);
  if (entry) entry.endWith(seq);
  else session.leave(room);
}
