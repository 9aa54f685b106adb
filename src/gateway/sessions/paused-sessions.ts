/** [GW-12] Sessions that are held in front of a room: what they hear of it stops, and goes on where it stopped. */
import type { UnreadFrame } from "../../protocol/frames.ts";
import type { CatchUp } from "../delivery/catch-up.ts";
import type { FollowedRoom } from "../delivery/followed-room.ts";
import type { Lobbies } from "../delivery/lobby.ts";
import type { Session } from "./session.ts";

export interface HeldSessionOptions {
  lobbies: Lobbies;
  catchUp: CatchUp;
  calls: {
    left(session: Session, room: FollowedRoom): Promise<unknown>;
    tell(session: Session, room: FollowedRoom): Promise<unknown>;
  };
  /** Takes the session out of a room that the user is not in. */
  leave(session: Session, room: FollowedRoom): void;
}

export interface HeldSessions {
  /** The session hears nothing after the seq `at` until it is let in. */
  hold(session: Session, room: FollowedRoom, at: number): void;
  /**
   * The same for a session that begins and is known to wait, as of the seq `head`. When it is let in it hears `unread`:
   * what `ready` did not tell it.
   */
  keepOut(session: Session, room: FollowedRoom, at: number, head: number, unread: UnreadFrame): void;
}

export function createHeldSessions(options: HeldSessionOptions): HeldSessions {
  const { lobbies, catchUp, calls } = options;

  async function letIn(session: Session, room: FollowedRoom, at: number, judged: number): Promise<void> {
    const entry = session.follow(room, at, judged);
    if (entry) await catchUp(session, [entry]);
    // What was said of the call meanwhile went to others only.
    if (session.rooms.has(room)) await calls.tell(session, room);
  }

  function hold(session: Session, room: FollowedRoom, at: number, unread: UnreadFrame | null): void {
    const userId = session.identity?.user.id;
    if (userId === undefined) return;
    lobbies.hold(room, session, {
      userId,
      waits: unread !== null,
      shutOut: () => void calls.left(session, room),
      letIn(judged) {
        if (unread) session.send(unread);
        void letIn(session, room, at, judged);
      },
      end(event) {
        if (event.seq <= (session.rooms.get(room) ?? 0)) return;
        session.deliver(room, event);
        session.leave(room);
      },
      missing: () => options.leave(session, room),
    });
  }

  return {
    hold: (session, room, at) => hold(session, room, at, null),
    keepOut(session, room, at, head, unread) {
      hold(session, room, at, unread);
      if (room.delivered > head) lobbies.judge(room, session.identity?.user.id);
    },
  };
}
