/**
 * [B.4] Which events of a room are system messages in Talk, and which. The others say nothing there: reactions and pins,
 * edits and deletions, pictures and descriptions, and people who come and go by themselves.
 */

import { dataOf } from "../../../domain/event-data.ts";
import type { Actor, EventData, EventType, LoggedEvent, Role, RoomType } from "../../../domain/model.ts";
import type { TimelineEntry } from "../../../domain/use-cases/messages.ts";

export interface SystemMessage {
  /** Clients put it into words of their own. */
  name: string;
  /** For those who don't; `{actor}` and `{user}` stand for people. */
  text: string;
  /** Whom it is about, beside who did it. */
  user?: Actor;
}

/** The events that can be messages in Talk. */
export const TALK_EVENTS: readonly EventType[] = [
  "message",
  "room.created",
  "room.changed",
  "member.joined",
  "member.left",
  "member.changed",
  "call.started",
  "call.joined",
  "call.left",
  "call.ended",
];

/** Whether an entry says anything in Talk. */
export function speaks({ event, message }: TimelineEntry, room: RoomType): boolean {
  return message !== null || systemMessageOf(event, room) !== null;
}

/** Null when the event is none. */
export function systemMessageOf(event: LoggedEvent, room: RoomType): SystemMessage | null {
  switch (event.type) {
    case "room.created":
      return { name: "conversation_created", text: "{actor} created the conversation" };
    case "room.changed":
      return ofChange(event, dataOf<"room.changed">(event));
    case "member.joined":
    case "member.left":
    case "member.changed":
      // [B.4] Who is in a one-to-one room goes without saying.
      return room === "one_to_one" ? null : ofMember(event, dataOf<"member.joined">(event));
    case "call.started":
      return { name: "call_started", text: "{actor} started a call" };
    case "call.joined":
      return { name: "call_joined", text: "{actor} joined the call" };
    case "call.left":
      return { name: "call_left", text: "{actor} left the call" };
    case "call.ended":
      return { name: "call_ended", text: "The call ended" };
    default:
      return null;
  }
}

/** A change of several things is told by the first of them. */
function ofChange({ actor }: LoggedEvent, changed: EventData["room.changed"]): SystemMessage | null {
  if (changed.name !== undefined)
    return { name: "conversation_renamed", text: `{actor} renamed the conversation to "${changed.name}"` };
  if (changed.type === "public") return { name: "guests_allowed", text: "{actor} allowed guests" };
  if (changed.type === "group") return { name: "guests_disallowed", text: "{actor} disallowed guests" };
  if (changed.hasPassword !== undefined) {
    return changed.hasPassword
      ? { name: "password_set", text: "{actor} set a password" }
      : { name: "password_removed", text: "{actor} removed the password" };
  }
  if (changed.readOnly !== undefined) {
    return changed.readOnly
      ? { name: "read_only", text: "{actor} locked the conversation" }
      : { name: "read_only_off", text: "{actor} unlocked the conversation" };
  }
  if (changed.lobby === true)
    return { name: "lobby_non_moderators", text: "{actor} restricted the conversation to moderators" };
  if (changed.lobby === false) {
    return actor.kind === "system"
      ? { name: "lobby_timer_reached", text: "The conversation is now open to everybody" }
      : { name: "lobby_none", text: "{actor} opened the conversation to everybody" };
  }
  return null;
}

const PROMOTIONS: Partial<Record<Role, SystemMessage>> = {
  owner: { name: "moderator_promoted", text: "{actor} promoted {user} to moderator" },
  moderator: { name: "moderator_promoted", text: "{actor} promoted {user} to moderator" },
  user: { name: "moderator_demoted", text: "{actor} demoted {user} from moderator" },
  guest_moderator: { name: "guest_moderator_promoted", text: "{actor} promoted {user} to moderator" },
  guest: { name: "guest_moderator_demoted", text: "{actor} demoted {user} from moderator" },
};
const PASSING: ReadonlySet<Role> = new Set(["guest", "guest_moderator", "self_joined"]);

function ofMember(
  { type, actor }: LoggedEvent,
  { member, role }: EventData["member.joined"],
): SystemMessage | null {
  if (type === "member.changed") {
    const message = PROMOTIONS[role];
    return message ? { ...message, user: member } : null;
  }
  const byThemselves = actor.kind === member.kind && actor.id === member.id;
  if (type === "member.joined") {
    if (byThemselves || PASSING.has(role)) return null;
    return { name: "user_added", text: "{actor} added {user}", user: member };
  }
  if (PASSING.has(role)) return null;
  const text = byThemselves ? "{actor} left the conversation" : "{actor} removed {user}";
  return { name: "user_removed", text, user: member };
}
