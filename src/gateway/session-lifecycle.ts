/** What the parts of the gateway do when a session begins, says something, leaves a room or ends. */
import { LIMITS } from "../protocol/limits.ts";
import type { Commands } from "./commands/commands.ts";
import type { Inbox } from "./commands/inbox.ts";
import type { FollowedRoom } from "./delivery/followed-room.ts";
import type { EntryNews } from "./sessions/entry-news.ts";
import type { Memberships } from "./sessions/membership.ts";
import type { OpenSessions } from "./sessions/open-sessions.ts";
import { Session, type SessionEvents } from "./sessions/session.ts";
import type { SessionMaintenance } from "./sessions/session-maintenance.ts";
import { startTimingWheel, type TimingWheel } from "./sessions/timing-wheel.ts";
import type { Users } from "./sessions/users.ts";
import type { Connection, ConnectionHandlers } from "./transport/connection.ts";

export interface SessionLifecycleOptions {
  sessions: OpenSessions;
  users: Users;
  memberships: Memberships;
  news: Pick<EntryNews, "began">;
  inbox: Inbox;
  commands: Commands;
  maintenance: SessionMaintenance;
  rateLimits: boolean;
}

/** Every connection is visited once in this time. */
const VISIT_MS = 1_000;
/** A client that is turned away comes back after this time. */
const TURNED_AWAY_MS = 10_000;

export class SessionLifecycle implements SessionEvents {
  readonly #options: SessionLifecycleOptions;
  readonly #wheel: TimingWheel<Session>;

  constructor(options: SessionLifecycleOptions) {
    this.#options = options;
    this.#wheel = startTimingWheel(VISIT_MS, options.maintenance.visit);
  }

  accept(connection: Connection): ConnectionHandlers {
    const { sessions, rateLimits } = this.#options;
    const session = new Session(connection, this, LIMITS.FRAME_BURST);
    session.slot = this.#wheel.add(session);
    const { hasRoom, isWithinAddress } = sessions.add(session);
    if (!hasRoom || (rateLimits && !isWithinAddress)) {
      queueMicrotask(() => session.close("too_many", TURNED_AWAY_MS));
    }
    return session;
  }

  began(session: Session): void {
    this.#options.sessions.began();
    this.#options.users.began(session);
    this.#options.news.began(session);
  }

  received(session: Session, bytes: Uint8Array, isBinary: boolean): void {
    this.#options.inbox.received(session, bytes, isBinary);
  }

  closed(session: Session, clean: boolean): void {
    const { sessions, users, commands, maintenance } = this.#options;
    sessions.delete(session);
    this.#wheel.remove(session, session.slot);
    void commands.presence.gone(session);
    void commands.calls.gone(session, clean);
    maintenance.ended(session);
    session.forgetRooms();
    if (session.identity) users.detach(session.identity.user, session);
  }

  left(session: Session, room: FollowedRoom): void {
    void this.#options.commands.calls.left(session, room);
  }

  shutOut(session: Session, room: FollowedRoom): void {
    void this.#options.commands.calls.left(session, room);
  }

  /** While the session was paused, only others were told of the call. */
  resumed(session: Session, room: FollowedRoom): void {
    void this.#options.commands.calls.tell(session, room);
  }

  outdated({ identity }: Session): void {
    if (identity) void this.#options.memberships.refresh(identity.user);
  }

  stop(): void {
    this.#wheel.stop();
  }
}
