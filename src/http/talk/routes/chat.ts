/** [B.4] Chat: sending, history, long polls, the read marker, and suggestions for mentions. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { type Actor, memberKey } from "../../../domain/model.ts";
import type { MentionCandidate } from "../../../domain/use-cases/messages.ts";
import type { TalkParts } from "../common/parts.ts";
import { PREFIX } from "../shapes/description.ts";
import { messageSchema } from "../shapes/message-shapes.ts";
import { flag, integer, line } from "../shapes/parameters.ts";
import { createChatReading } from "./chat-reading.ts";

/** Longer than any body; the domain checks the length of messages. */
const MAX_TEXT_LENGTH = 1_000_000;
const MAX_NAME_LENGTH = 1_000;
const MAX_MENTIONS = 100;
const MAX_REFERENCE_LENGTH = 255;

const CHAT = `${PREFIX}/chat/{token}`;
const READ_ONLY = "The room is read-only";
const WAITING = "The caller waits in the lobby";

export function registerChat(
  parts: TalkParts<"guests" | "joining" | "mentions" | "messages" | "repeats" | "timeline">,
): void {
  registerSend(parts);
  registerRead(parts);
  registerMarker(parts);
  registerMentions(parts);
}

const SEND_INPUT = {
  message: line(MAX_TEXT_LENGTH).openapi({ description: "1–32,000 characters", maxLength: 32_000 }),
  actorDisplayName: line(MAX_NAME_LENGTH).default("").openapi({ description: "Of guests" }),
  replyTo: integer().default(0).openapi({ description: "The message that is answered; 0: none" }),
  referenceId: line(MAX_REFERENCE_LENGTH).default("").openapi({
    description:
      "The client's own id of the message. Sent again with it within 24 hours the message is stored once, and shown as it is",
  }),
};

function registerSend({
  inRoom,
  useCases,
  shapes,
}: TalkParts<"guests" | "mentions" | "messages" | "repeats" | "timeline">): void {
  const { messages, mentions, guests, repeats, timeline } = useCases;

  /** The actor, with the name that a guest may give with a message. */
  async function named(actor: Actor, token: string, name: string): Promise<Actor> {
    if (actor.kind !== "guest" || name.trim() === "" || name.trim() === actor.name) return actor;
    await guests.setName(actor, token, name);
    return { ...actor, name: name.trim() };
  }

  function once<T>(
    actor: Actor,
    token: string,
    { referenceId: key, message, replyTo }: { referenceId: string; message: string; replyTo: number },
    work: (id: string) => Promise<T>,
  ): Promise<T> {
    if (key === "") return work(randomUUID());
    const body = JSON.stringify([message, replyTo]);
    return repeats.run({ caller: memberKey(actor), scope: `talk ${token}`, key, body }, work);
  }

  inRoom(
    {
      ...{ method: "post", path: CHAT, summary: "Send a message", action: "send", guests: true },
      input: SEND_INPUT,
      answers: {
        201: { data: messageSchema, description: "The message" },
        400: "Empty, or an answer to what is no message of this room",
        403: READ_ONLY,
        412: WAITING,
        413: "More than 32,000 characters",
        422: "The referenceId was that of another message",
      },
    },
    async ({ actor, token, room, input }) => {
      const sender = await named(actor, token, input.actorDisplayName);
      const [parts = []] = await mentions.parse(sender, token, [input.message]);
      const said = {
        text: input.message,
        longText: true as const,
        mentions: mentions.idsOf(parts).slice(0, MAX_MENTIONS),
        ...(input.replyTo !== 0 && { replyTo: input.replyTo }),
      };
      const sent = await once(sender, token, input, (id) => messages.send(sender, token, { id, ...said }));
      const entry = await timeline.sent(sender, token, sent);
      const [shown] = await shapes.of(sender, room, entry ? [entry] : []);
      return { status: 201, data: shown };
    },
  );
}

/** A limit of at most 200. Larger numbers count as 200, as in Talk. */
function atMost200() {
  return integer({ min: 1 }).transform((limit) => Math.min(limit, 200));
}

const READ_INPUT = {
  lookIntoFuture: flag().openapi({
    description: "1: later messages, waiting for one; 0: earlier ones",
  }),
  limit: atMost200().default(100),
  lastKnownMessageId: integer().default(0).openapi({
    description:
      "Where to read on; 0: from the end. An id is a place in the room's log. After the operator restored an older backup of the database, a place beyond the log's end is answered with the newest messages; once the log has grown past it, it is the message that is there now: when you hear of a restore, drop what you kept and read from the end",
  }),
  timeout: integer({ min: 0 }).default(30).openapi({ description: "How long to wait, seconds; at most 30" }),
  setReadMarker: flag().default(true),
  includeLastKnown: flag().default(false),
};

function registerRead(parts: TalkParts<"joining" | "messages" | "timeline">): void {
  const { inRoom } = parts;
  const read = createChatReading(parts);
  inRoom(
    {
      ...{
        method: "get",
        path: CHAT,
        summary: "Read, or wait for what comes",
        action: "read",
        guests: true,
        waits: true,
      },
      input: READ_INPUT,
      answers: {
        200: {
          data: z.array(messageSchema),
          description: "Oldest first when looking into the future, else newest first; X-Chat-Last-Given",
        },
        304: "There is nothing (more)",
        412: WAITING,
      },
    },
    async ({ c, actor, client, holder, room, me, input }) => {
      const polling = { signal: c.req.raw.signal, holder };
      const found = await read({ actor, client, room, me }, input, polling);
      const last = found.at(-1);
      if (!last) return { status: 304 };
      return { status: 200, data: found, headers: { "X-Chat-Last-Given": String(last.id) } };
    },
  );
}

function registerMarker({ inRoom, useCases }: TalkParts<"messages">): void {
  inRoom(
    {
      ...{ method: "post", path: `${CHAT}/read`, summary: "Move one's read marker up", action: "read" },
      input: { lastReadMessage: integer() },
      answers: { 200: "It is there, or further already", 412: WAITING },
    },
    async ({ actor, token, input }) => {
      await useCases.messages.markRead(actor, token, Math.max(0, input.lastReadMessage));
      return { status: 200 };
    },
  );
}

const SOURCES: Record<MentionCandidate["kind"], string> = { all: "calls", user: "users", guest: "guests" };

function registerMentions({ inRoom, useCases }: TalkParts<"mentions">): void {
  const candidateSchema = z
    .object({ id: z.string(), label: z.string(), source: z.enum(["users", "guests", "calls"]) })
    .openapi("MentionCandidate");
  inRoom(
    {
      ...{
        method: "get",
        path: `${CHAT}/mentions`,
        summary: "Whom one can mention",
        action: "send",
        guests: true,
      },
      input: { search: line(MAX_NAME_LENGTH).default(""), limit: atMost200().default(20) },
      answers: {
        200: { data: z.array(candidateSchema), description: "The whole room, then users, then guests" },
        403: READ_ONLY,
        412: WAITING,
      },
    },
    async ({ actor, token, input }) => {
      const found = await useCases.mentions.candidates(actor, token, input);
      return {
        status: 200,
        data: found.map(({ kind, id, label }) => ({ id, label, source: SOURCES[kind] })),
      };
    },
  );
}
