/** Messages as Talk shows them: what people wrote, and events of the log as system messages. */
import { z } from "@hono/zod-openapi";
import type { MessagePlace } from "../../../domain/ids.ts";
import type { Actor, LoggedEvent, Room, User } from "../../../domain/model.ts";
import type {
  MessageView,
  ParentMessage,
  TextPart,
  TimelineEntry,
} from "../../../domain/use-cases/messages.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import { roomToken, seqInRoom } from "../../face/socket-names.ts";
import { type Author, authorOf, personOf } from "./authors.ts";
import { seconds } from "./constants.ts";
import { mentioning, parametersSchema } from "./mention-parameters.ts";
import { type SystemMessage, systemMessageOf } from "./system-messages.ts";

/** Talk's clients read it as an integer of 32 bits. */
function messageId() {
  return z.int().openapi({ description: "The message's place in the room's log, unique within the room" });
}

const common = {
  id: messageId(),
  token: z.string(),
  room: roomToken(),
  seq: seqInRoom(),
  actorType: z.enum(["users", "guests", "bots", "deleted_users"]),
  actorId: z.string(),
  actorDisplayName: z.string(),
  timestamp: z.int().openapi({ description: "Seconds since 1970 UTC" }),
  message: z.string(),
  messageParameters: parametersSchema,
  systemMessage: z.string(),
  messageType: z.enum(["comment", "system"]),
  isReplyable: z.boolean(),
};
const parentSchema = z.union([z.object(common), z.object({ id: messageId(), deleted: z.literal(true) })]);
export const messageSchema = z.object({ ...common, parent: parentSchema.optional() }).openapi("Message");

type Common = z.infer<z.ZodObject<typeof common>>;
export type MessageBody = z.infer<typeof messageSchema>;
type ShownRoom = Pick<Room, "id" | "token" | "type" | "name">;

export interface MessageShapes {
  /** The entries of one room that are messages in Talk, in their order. */
  of(reader: Actor, room: ShownRoom, entries: readonly TimelineEntry[]): Promise<MessageBody[]>;
  /** As `of`, for all readers of the room; null when they don't all see the same. */
  ofAll(room: ShownRoom, entries: readonly TimelineEntry[]): Promise<MessageBody[] | null>;
}

export function createMessageShapes({
  mentions,
  lookup,
}: Pick<UseCases, "mentions" | "lookup">): MessageShapes {
  async function usersIn(entries: readonly TalkEntry[]): Promise<ReadonlyMap<string, User>> {
    const actors = entries.flatMap(({ entry, system }) =>
      system ? [entry.event.actor, ...(system.user ? [system.user] : [])] : [],
    );
    const ids = actors.filter(({ kind }) => kind === "user").map(({ id }) => Number(id));
    const users = await lookup.users(ids);
    return new Map([...users].map(([id, user]) => [String(id), user]));
  }

  /** By text; what mentions nobody is not asked about. Null when `parse` has no answer. */
  async function partsOf(
    entries: readonly TalkEntry[],
    parse: (texts: readonly string[]) => Promise<TextPart[][] | null>,
  ) {
    const views = entries.flatMap(({ entry: { message } }) => message ?? []);
    const all = views.flatMap((view) => (view.parent?.deleted === false ? [view, view.parent] : [view]));
    const texts = [...new Set(all.map(textOf).filter((text) => text.includes("@")))];
    const parsed = texts.length === 0 ? [] : await parse(texts);
    return parsed && new Map(texts.map((text, i) => [text, parsed[i] ?? []]));
  }

  async function bodies(
    room: ShownRoom,
    entries: readonly TimelineEntry[],
    parse: (texts: readonly string[]) => Promise<TextPart[][] | null>,
  ): Promise<MessageBody[] | null> {
    const shown = talkEntries(room, entries);
    const [users, parts] = await Promise.all([usersIn(shown), partsOf(shown, parse)]);
    return parts && shown.map((one) => bodyOf(room, one, users, parts));
  }

  return {
    of: async (reader, room, entries) =>
      (await bodies(room, entries, (texts) => mentions.parse(reader, room.token, texts))) ?? [],
    ofAll: (room, entries) => bodies(room, entries, (texts) => mentions.parseForAll(room.id, texts)),
  };
}

interface TalkEntry {
  entry: TimelineEntry;
  /** Null for what people wrote. */
  system: SystemMessage | null;
}

function talkEntries({ type }: Pick<ShownRoom, "type">, entries: readonly TimelineEntry[]): TalkEntry[] {
  return entries.flatMap((entry): TalkEntry[] => {
    if (entry.message) return [{ entry, system: null }];
    const system = systemMessageOf(entry.event, type);
    return system ? [{ entry, system }] : [];
  });
}

function bodyOf(
  room: ShownRoom,
  { entry: { event, message }, system }: TalkEntry,
  users: ReadonlyMap<string, User>,
  parts: ReadonlyMap<string, TextPart[]>,
): MessageBody {
  if (system) return systemBody(room, event, system, users);
  const view = message as MessageView;
  const parent = view.parent && parentBody(room, view.parent, parts);
  return { ...commentBody(room, view, parts), ...(parent && { parent }) };
}

function parentBody(room: ShownRoom, parent: ParentMessage, parts: ReadonlyMap<string, TextPart[]>) {
  if (parent.deleted) return { id: parent.seq, deleted: true as const };
  return commentBody(room, parent, parts);
}

type Shown = MessagePlace & Pick<MessageView, "author" | "user" | "at" | "text" | "attachments">;

function commentBody(room: ShownRoom, view: Shown, parts: ReadonlyMap<string, TextPart[]>): Common {
  const author: Author = authorOf(view.author, view.user);
  const text = textOf(view);
  return {
    id: view.seq,
    token: room.token,
    room: room.token,
    seq: view.seq,
    ...author,
    timestamp: seconds(view.at),
    ...mentioning(room, parts.get(text) ?? [{ kind: "text", text }]),
    systemMessage: "",
    messageType: "comment",
    isReplyable: author.actorType !== "bots",
  };
}

/** A message of files alone says what they are called. */
function textOf({ text, attachments }: Pick<Shown, "text" | "attachments">): string {
  return text === "" ? attachments.map(({ filename }) => filename).join("\n") : text;
}

function systemBody(
  room: ShownRoom,
  event: LoggedEvent,
  { name, text, user }: SystemMessage,
  users: ReadonlyMap<string, User>,
): Common {
  const { actor, at } = event;
  const person = (one: Actor) => personOf(one, users.get(one.id) ?? null);
  return {
    id: event.seq,
    token: room.token,
    room: room.token,
    seq: event.seq,
    ...authorOf(actor, users.get(actor.id) ?? null),
    timestamp: seconds(at),
    message: text,
    messageParameters: { actor: person(actor), ...(user && { user: person(user) }) },
    systemMessage: name,
    messageType: "system",
    isReplyable: false,
  };
}
