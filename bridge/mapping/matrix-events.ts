/** Reads Matrix events, and the parts of their content that the bridge uses. */
import { z } from "zod";
import { nestsWithin } from "../../src/domain/text-rules.ts";

/**
 * Whether a text can go to the database and into a path: without zero bytes and broken surrogates. Both are possible in an
 * event, because homeservers look at its content no closer than JSON.
 */
export function isPlain(text: string): boolean {
  return !text.includes("\0") && !/\p{Cs}/u.test(text);
}

/** The text as the database takes it: without zero bytes, and with U+FFFD for broken surrogates. */
export function cleanText(text: string): string {
  return Buffer.from(text.replaceAll("\0", "")).toString();
}

/** Matrix bounds ids to 255 bytes. */
const id = z.string().min(1).max(255).refine(isPlain);

/** State of a room that the chat alone decides. Who else changes it has the chat's put back. */
const GUARDED_TYPES = [
  "m.room.canonical_alias",
  "m.room.join_rules",
  "m.room.history_visibility",
  "m.room.guest_access",
] as const;

/** The event types that the bridge reads. */
export const BRIDGED_TYPES = [
  "m.room.message",
  "m.sticker",
  "m.reaction",
  "m.room.redaction",
  "m.room.member",
  "m.room.name",
  "m.room.topic",
  "m.room.avatar",
  "m.room.power_levels",
  "m.room.pinned_events",
  "m.poll.start",
  "org.matrix.msc3381.poll.start",
  "m.poll.end",
  "org.matrix.msc3381.poll.end",
  "m.room.encrypted",
  "m.call.invite",
  "m.beacon_info",
  "org.matrix.msc3672.beacon_info",
  ...GUARDED_TYPES,
] as const;

const levelsSchema = z.object({
  users: z.record(z.string(), z.number()),
  users_default: z.number().optional(),
});

const eventSchema = z.object({
  event_id: id,
  room_id: id,
  sender: id,
  type: z.enum(BRIDGED_TYPES),
  state_key: z.union([id, z.literal("")]).optional(),
  redacts: id.optional().catch(undefined),
  /** Of the sender's homeserver, ms. 0 where it is missing or no time. */
  origin_server_ts: z.number().int().min(0).catch(0),
  content: z.record(z.string(), z.unknown()),
  /** Of the event that this one takes the place of: only the levels of power levels. */
  unsigned: z.object({ prev_content: levelsSchema }).optional().catch(undefined),
});

export type MatrixEvent = z.infer<typeof eventSchema>;

/** How deep the content of an event may nest: far more than clients of Matrix write, and few enough to write it down again. */
const MAX_CONTENT_DEPTH = 100;

/**
 * A valid event of a bridged type, or null: people and other homeservers can write any content. What else of an event gets to
 * the database is read by the functions below, and judged there.
 */
export function readEvent(value: unknown): MatrixEvent | null {
  const parsed = eventSchema.safeParse(value);
  if (!parsed.success || !nestsWithin(parsed.data.content, MAX_CONTENT_DEPTH)) return null;
  return parsed.data;
}

const relationSchema = z.object({
  rel_type: z.string().optional().catch(undefined),
  event_id: id.optional().catch(undefined),
  key: z.string().optional().catch(undefined),
  is_falling_back: z.boolean().optional().catch(undefined),
  "m.in_reply_to": z.object({ event_id: id }).optional().catch(undefined),
});

export interface Relation {
  replaces: string | null;
  answers: string | null;
  /** The event with which the thread begins that this one is in. */
  thread: string | null;
  /** The event that a reaction is to. */
  annotates: { eventId: string; key: string } | null;
}

/** Which event this one replaces, answers, or reacts to. */
export function relationOf(content: MatrixEvent["content"]): Relation {
  const none = { replaces: null, answers: null, thread: null, annotates: null };
  const parsed = relationSchema.safeParse(content["m.relates_to"]);
  if (!parsed.success) return none;
  const { rel_type, event_id: eventId, key, is_falling_back: falls, "m.in_reply_to": reply } = parsed.data;
  switch (rel_type) {
    case "m.replace":
      return { ...none, replaces: eventId ?? null };
    case "m.annotation":
      return eventId === undefined || key === undefined ? none : { ...none, annotates: { eventId, key } };
    case "m.thread":
      // What clients without threads show as a reply is none.
      return { ...none, thread: eventId ?? null, answers: falls ? null : (reply?.event_id ?? null) };
    case "m.reference":
      // Such as the end of a poll: in the chat it answers what it refers to.
      return { ...none, answers: eventId ?? null };
    default:
      return { ...none, answers: reply?.event_id ?? null };
  }
}

/** The ids in the content of an `m.room.pinned_events`. */
export function pinnedIn({ pinned }: Record<string, unknown>): string[] {
  return Array.isArray(pinned) ? pinned.filter((one) => id.safeParse(one).success) : [];
}

/** The level of somebody by the content of an `m.room.power_levels`. */
export function levelOf({ users, users_default }: Record<string, unknown>, matrixId: string): number {
  const level = ((users ?? {}) as Record<string, unknown>)[matrixId] ?? users_default;
  return typeof level === "number" ? level : 0;
}

/** Custom emoji: the key is the address of a picture, and clients write a short code beside it (MSC4027). */
const shortcode = z.string().trim().min(1).max(62).refine(isPlain).optional().catch(undefined);
const shortcodes = z.object({
  shortcode,
  "com.beeper.reaction.shortcode": shortcode,
});
const UNNAMED_EMOJI = "🖼";

/** What an `m.reaction` is to, and its key as the chat shows it. */
export function reactionIn(content: MatrixEvent["content"]): { eventId: string; key: string } | null {
  const { annotates } = relationOf(content);
  if (!annotates?.key.startsWith("mxc://")) return annotates;
  const { shortcode: plain, "com.beeper.reaction.shortcode": beeper } = shortcodes.parse(content);
  const code = (beeper ?? plain)?.replaceAll(/^:|:$/g, "");
  return { ...annotates, key: code ? `:${code}:` : UNNAMED_EMOJI };
}

/** What the message says after an edit; null where the content is none of an edit. */
export function newContentOf({ content }: Pick<MatrixEvent, "content">): MatrixEvent["content"] | null {
  const edited = content["m.new_content"];
  return typeof edited === "object" && edited !== null ? (edited as MatrixEvent["content"]) : null;
}

/** The id of the redacted event: at the top level in old room versions, in the content since version 11. */
export function redactedBy(event: Pick<MatrixEvent, "content" | "redacts">): string | null {
  return id.safeParse(event.content.redacts).data ?? event.redacts ?? null;
}

const mentionsSchema = z.object({
  user_ids: z.array(z.string()).catch([]).default([]),
  room: z.boolean().catch(false).default(false),
});

export function mentionsOf(content: MatrixEvent["content"]): { userIds: string[]; room: boolean } {
  const parsed = mentionsSchema.safeParse(content["m.mentions"]);
  return parsed.success
    ? { userIds: parsed.data.user_ids, room: parsed.data.room }
    : { userIds: [], room: false };
}
