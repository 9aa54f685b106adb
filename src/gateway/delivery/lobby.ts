/**
 * [GW-12] Who waits in a room's lobby hears nothing of the room. What they hear is paused, never skipped: whoever is
 * held here stands at a seq of the log, and goes on from it once the domain lets them in. After an event that may shut
 * the lobby everybody is held until the domain has said who waits: nothing that follows the event can slip through, and
 * nobody's role has to be known here. Rooms with an open lobby hold nobody.
 */

import { setTimeout as delay } from "node:timers/promises";
import { refusal } from "../../domain/context/access.ts";
import { isUnavailable } from "../../domain/errors.ts";
import type { Actor } from "../../domain/model.ts";
import type { Lobby } from "../../domain/use-cases/live.ts";
import type { Logger } from "../../logger.ts";
import type { EventFrame } from "../../protocol/frames.ts";
import type { EncodedEvent } from "../frames/encoded-event.ts";
import type { FollowedRoom, Held } from "./followed-room.ts";

export interface LobbyOptions {
  lobby: Lobby;
  logger: Pick<Logger, "warn">;
}

const RETRY_MS = 500;

/** About whom the domain is to be asked. */
interface Question {
  everybody: boolean;
  userIds: Set<number>;
}

export class Lobbies {
  readonly #options: LobbyOptions;
  /** Rooms of which the domain is being asked, with what is to be asked next: an answer on its way may be too old. */
  readonly #next = new Map<FollowedRoom, Question>();

  constructor(options: LobbyOptions) {
    this.#options = options;
  }

  /** Holds somebody, known here by `key`. */
  hold(room: FollowedRoom, key: object, held: Held): void {
    room.held ??= new Map();
    room.held.set(key, held);
    if (!held.waits) this.judge(room, held.userId);
  }

  /** Something changed that may let this user in, or everybody. */
  judge(room: FollowedRoom, userId?: number): void {
    const next = this.#next.get(room) ?? noQuestion();
    if (userId === undefined) next.everybody = true;
    else next.userIds.add(userId);
    if (!room.held || this.#next.has(room)) return;
    this.#next.set(room, next);
    void this.#judge(room, next);
  }

  /** The stay of this user ends with the event, or everybody's. */
  end(room: FollowedRoom, event: EncodedEvent, userId?: number): void {
    for (const held of [...(room.held?.values() ?? [])]) {
      if (userId === undefined || held.userId === userId) held.end(event);
    }
  }

  async #judge(room: FollowedRoom, next: Question): Promise<void> {
    while (room.held && (next.everybody || next.userIds.size > 0)) {
      // Whoever else is held in this turn of the event loop is asked about together.
      await Promise.resolve();
      const { everybody, userIds } = next;
      Object.assign(next, noQuestion());
      if (await this.#ask(room, everybody ? null : userIds, next)) continue;
      next.everybody = true;
      await delay(RETRY_MS, undefined, { ref: false });
    }
    this.#next.delete(room);
  }

  /** @param of null: everybody. @returns false when there was no answer */
  async #ask(room: FollowedRoom, of: ReadonlySet<number> | null, next: Question): Promise<boolean> {
    const asked = [...(room.held ?? [])].filter(([, { userId }]) => of === null || of.has(userId));
    // The answer is at least as new as what was delivered here.
    const judged = room.delivered;
    try {
      const userIds = [...new Set(asked.map(([, { userId }]) => userId))];
      const { closed, reading, waiting } = await this.#options.lobby.standings(room.id, userIds);
      if (!next.everybody) room.mayShutOut = closed;
      for (const [key, held] of asked) {
        if (room.held?.get(key) !== held) continue;
        if (waiting.has(held.userId)) shutOut(held);
        else if (reading.has(held.userId)) {
          room.release(key);
          held.letIn(judged);
        } else held.missing();
      }
      return true;
    } catch (error) {
      if (!isUnavailable(error))
        this.#options.logger.warn({ err: error }, "Who waits in a lobby can't be read now; it is read again");
      return false;
    }
  }
}

function noQuestion(): Question {
  return { everybody: false, userIds: new Set() };
}

function shutOut(held: Held): void {
  if (held.waits) return;
  held.waits = true;
  held.shutOut?.();
}

/** An event of CHANGES_STANDING; another one says nothing of lobbies. */
type StandingEvent = Pick<EventFrame, "seq" | "type" | "data">;

/** Whether a user who heard this event of the room may have to wait from it on. */
export function mayShut(room: FollowedRoom, event: StandingEvent, userId: number): boolean {
  switch (event.type) {
    case "room.changed":
      return shutsLobby(event);
    // Where the lobby was open at this event's place in the log, it says nothing; of old events that is not known.
    case "member.joined":
    case "member.changed":
      return (room.mayShutOut || event.seq < room.delivered) && isAbout(event, userId);
    default:
      return false;
  }
}

/** Null when the event says nothing of the lobby. One whose time was put off stays shut, or is shut again. */
export function lobbyChange(event: StandingEvent): { shut: boolean } | null {
  const { lobby, lobbyUntil } = event.data;
  return lobby === undefined && lobbyUntil === undefined ? null : { shut: shutsLobby(event) };
}

function shutsLobby({ data: { lobby, lobbyUntil } }: StandingEvent): boolean {
  return lobby === true || (lobby === undefined && lobbyUntil !== undefined);
}

function isAbout({ data }: StandingEvent, userId: number): boolean {
  const { kind, id } = data.member as Actor;
  return kind === "user" && id === String(userId);
}

/** [GW-12.2] @throws DomainError `lobby` for a session that waits in the room */
export function requireLetIn(session: object, room: FollowedRoom | undefined): void {
  if (room?.held?.get(session)?.waits) throw refusal("lobby", "read");
}
