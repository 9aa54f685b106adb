/** [B.4] Internal signaling: browsers in a call exchange connection data through the server. */
import { z } from "@hono/zod-openapi";
import { LRUCache } from "lru-cache";
import { stunServers, turnServers } from "../../../domain/context/ice-servers.ts";
import { badField } from "../../../domain/errors.ts";
import type { Actor } from "../../../domain/model.ts";
import type { Following } from "../../../domain/ports/feed.ts";
import { checkNesting } from "../../../domain/text-rules.ts";
import type { SignalingMessage } from "../../../domain/use-cases/live.ts";
import type { ClientName, RoomView } from "../../../domain/use-cases/rooms.ts";
import type { PollingClient } from "../common/long-polls.ts";
import type { TalkParts } from "../common/parts.ts";
import { seconds } from "../shapes/constants.ts";
import { PREFIX } from "../shapes/description.ts";
import { line } from "../shapes/parameters.ts";

const SIGNALING = `${PREFIX}/signaling/{token}`;
const PULL_MS = 30_000;
const MAX_MESSAGES_LENGTH = 500_000;
/** Sessions for which the last sent list of people is remembered. Others get the list again, which does no harm. */
const MAX_INFORMED_SESSIONS = 20_000;

const userSchema = z.object({
  userId: z.string(),
  roomId: z.int(),
  lastPing: z.int(),
  sessionId: z.string(),
  inCall: z.int(),
});
const pulledSchema = z
  .union([
    z.object({ type: z.literal("message"), data: z.string() }),
    z.object({ type: z.literal("usersInRoom"), data: z.array(userSchema) }),
  ])
  .openapi("Pulled");
type User = z.infer<typeof userSchema>;

export function registerSignaling(parts: TalkParts<"clock" | "signaling">): void {
  registerSettings(parts);
  registerPush(parts);
  registerPull(parts);
}

const iceServer = { url: z.string(), urls: z.array(z.string()) };

/** Signaling settings. Only users and guests with a cookie get TURN servers. */
function registerSettings({ open, iceServers, useCases: { clock } }: TalkParts<"clock">): void {
  const schema = z.object({
    signalingMode: z.literal("internal"),
    userId: z.string().nullable(),
    hideWarning: z.boolean(),
    server: z.string(),
    ticket: z.string(),
    stunservers: z.array(z.object(iceServer)),
    turnservers: z.array(z.object({ ...iceServer, username: z.string(), credential: z.string() })).openapi({
      description: "With credentials for a day; of users, and of guests since they joined a room",
    }),
  });
  open(
    {
      ...{ method: "get", path: `${PREFIX}/signaling/settings`, summary: "How calls are signaled" },
      answers: {
        200: { data: schema, description: "Through this API, with the servers that are configured" },
      },
    },
    ({ caller }) => {
      const userId = caller.kind === "user" ? caller.user.handle : null;
      const isStranger = caller.kind === "guest" && caller.secret === null;
      return {
        status: 200,
        data: {
          ...{ signalingMode: "internal", userId, hideWarning: true, server: "", ticket: "" },
          stunservers: stunServers(iceServers),
          turnservers: isStranger ? [] : turnServers(iceServers, userId ?? "guest", clock.now()),
        },
      };
    },
  );
}

function registerPush({ inRoom, useCases: { signaling } }: TalkParts<"signaling">): void {
  inRoom(
    {
      ...{ method: "post", path: SIGNALING, summary: "Send messages to sessions of the room" },
      ...{ action: null, guests: true },
      input: {
        messages: line(MAX_MESSAGES_LENGTH).openapi({
          description: 'A JSON list of {ev: "message", fn, sessionId}; fn is JSON that says to which session',
        }),
      },
      answers: { 200: "They wait for their sessions", 404: "No such room, or not joined" },
    },
    async ({ actor, client, token, input }) => {
      await signaling.send(actor, token, messagesIn(input.messages), client);
      return { status: 200 };
    },
  );
}

const messageListSchema = z.array(
  z.object({ ev: z.string(), fn: z.string(), sessionId: z.string() }).or(z.unknown().transform(() => null)),
);
const fnSchema = z.looseObject({ to: z.string() });

/** Reads the messages in a request. Items that are no messages are ignored, as in Talk. */
function messagesIn(text: string): SignalingMessage[] {
  const list = messageListSchema.safeParse(parsed(text));
  if (!list.success) throw badField("messages", "must be a JSON list");
  return list.data.flatMap((message) => {
    const fn = message?.ev === "message" ? fnSchema.safeParse(parsed(message.fn)) : null;
    if (!message || !fn?.success) return [];
    checkNesting("messages", fn.data);
    const { sessionId: from } = message;
    return [{ from, to: fn.data.to, data: JSON.stringify({ ...fn.data, from }) }];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Puller {
  actor: Actor;
  client: ClientName | undefined;
}

function registerPull({ inRoom, useCases: { signaling }, feed, polls }: TalkParts<"signaling">): void {
  const informed = new LRUCache<string, string>({ max: MAX_INFORMED_SESSIONS });

  /** The present messages and list of people; null when nothing is new. */
  async function look({ actor, client }: Puller, token: string, always: boolean) {
    const { messages, room, sessionIds } = await signaling.take(actor, token, client);
    const users = usersIn(room);
    const key = sessionIds.join();
    const people = JSON.stringify(users.map(({ sessionId, inCall }) => [sessionId, inCall]));
    if (messages.length === 0 && informed.get(key) === people && !always) return null;
    informed.set(key, people);
    return [...messages.map((data) => ({ type: "message", data })), { type: "usersInRoom", data: users }];
  }

  async function pull(puller: Puller, room: { id: number; token: string }, polling: PollingClient) {
    const poll = polls.open({ timeoutMs: PULL_MS, ...polling });
    const { wake, finish: lost } = poll;
    const followings: Following[] = [];
    try {
      followings.push(await signaling.follow(room.id, wake));
      followings.push(await feed().followRoom(room.id, { event: wake, call: wake, presence: wake, lost }));
      for (let hasWaited = false; ; hasWaited = true) {
        // Checked before the messages of the session are taken from the queue.
        if (hasWaited) await poll.requireValid();
        const found = await look(puller, room.token, poll.over);
        if (found) return found;
        await poll.news();
      }
    } finally {
      for (const following of followings) following.stop();
      poll.end();
    }
  }

  inRoom(
    {
      ...{ method: "get", path: SIGNALING, summary: "Wait for messages, and for who is in the room" },
      ...{ action: null, guests: true, waits: true },
      answers: {
        200: {
          data: z.array(pulledSchema),
          description: "As soon as there is something to say, or after 30 s; who is in the room comes last",
        },
        404: "No such room, or not joined",
      },
    },
    async ({ c, actor, client, holder, room }) => {
      const polling = { signal: c.req.raw.signal, holder };
      return { status: 200, data: await pull({ actor, client }, room, polling) };
    },
  );
}

/** All joined people, with each of their sessions. */
function usersIn({ people, room }: RoomView): User[] {
  return people.flatMap(({ user, sessions }) =>
    sessions.map(({ sessionId, lastPing, callFlags }) => ({
      userId: user?.handle ?? "",
      roomId: room.id,
      lastPing: seconds(lastPing),
      sessionId,
      inCall: callFlags,
    })),
  );
}
