/**
 * Sessions follow their user's memberships. The events of a room say who comes and goes (delivery/access-events.ts). A hint
 * on the user's channel tells gateways that do not follow the room. Comparing with the store is the safety net.
 */
import { isUnavailable } from "../../domain/errors.ts";
import type { RoomLists, SessionRoom } from "../../domain/ports/store/room-lists.ts";
import type { Logger } from "../../logger.ts";
import type { CatchUp } from "../delivery/catch-up.ts";
import type { Hub } from "../delivery/hub.ts";
import { leaveRooms } from "../delivery/leave-rooms.ts";
import type { Lobbies } from "../delivery/lobby.ts";
import { enterListed, unlisted } from "../delivery/room-list.ts";
import type { JoinedHint } from "../frames/commit-publisher.ts";
import type { EntryNews } from "./entry-news.ts";
import type { LocalUser, Session } from "./session.ts";

export interface MembershipOptions {
  hub: Hub;
  rooms: Pick<RoomLists, "sessionRooms">;
  lobbies: Lobbies;
  catchUp: CatchUp;
  news: Pick<EntryNews, "changed">;
  logger: Pick<Logger, "warn">;
}

export class Memberships {
  readonly #options: MembershipOptions;
  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** The user joined a room, perhaps one that this gateway does not follow. */
  joined(user: LocalUser, { roomId, room: token, seq }: JoinedHint): void {
    const hub = this.#options.hub;
    const followed = hub.get(roomId);
    if (!followed) {
      // Delivering the event brings the sessions in.
      void hub.fill([hub.follow(roomId, token, { head: { seq: seq - 1, at: 0 } })]);
      return;
    }
    if ([...user.sessions].every((session) => !session.isReady || session.rooms.has(followed))) return;
    if (followed.delivered < seq) hub.noteHead(followed, seq);
    else void this.refresh(user);
  }

  /** Resolves when a room that the session's user joined is among the session's rooms. Never rejects. */
  async entered(session: Session, token: string): Promise<void> {
    const room = this.#options.hub.byToken(token);
    const isIn = room !== undefined && session.rooms.has(room);
    if (!isIn && session.identity) await this.refresh(session.identity.user);
  }

  /** Compares the user's sessions with the store. Never rejects. */
  async refresh(user: LocalUser): Promise<void> {
    try {
      const rooms = await this.#options.rooms.sessionRooms(user.key, { most: 0 });
      await Promise.all([...user.sessions].map((session) => this.#align(session, rooms)));
    } catch (error) {
      if (isUnavailable(error)) return;
      const fields = { event: "memberships.read_failed", user: user.id, err: error };
      this.#options.logger.warn(
        fields,
        "could not read the rooms of a user with sessions; they are read again",
      );
    }
  }

  async #align(session: Session, listed: readonly SessionRoom[]): Promise<void> {
    if (!session.isReady) return;
    const { hub, catchUp, news } = this.#options;
    const before = new Set(session.rooms.keys());
    const subscriptions = enterListed(this.#options, session, listed, "joining");
    for (const room of session.rooms.keys()) if (!before.has(room)) news.changed(room.id, [session.userId]);
    const gone = leaveRooms(hub, session, unlisted(session, listed));
    await Promise.all([catchUp.read(session, subscriptions), gone]);
  }
}
