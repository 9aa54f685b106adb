/**
 * The Talk API: rooms, the people in them, chat, calls and their signaling, under `/ocs/v1.php` and `/ocs/v2.php`.
 * Reading order: this file; operations.ts (how a request is judged) with authentication.ts, parameters.ts and
 * envelope.ts; then a file per noun, and the files that shape rooms and messages.
 */
import type { Feed } from "../../domain/ports/feed.ts";
import type { Store } from "../../domain/ports/store.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { watchCredentials } from "../credential-watch.ts";
import { boundedBody, createFace, type Face } from "../face.ts";
import type { RequestLimits } from "../request-limits.ts";
import { GUEST_COOKIE } from "./authentication.ts";
import { registerCalls } from "./calls.ts";
import { registerCapabilities } from "./capabilities.ts";
import { registerChat } from "./chat.ts";
import { registerCloud } from "./cloud.ts";
import { V1, V2 } from "./envelope.ts";
import { refuse, respondRefusal } from "./failures.ts";
import { type IceServers, NO_ICE_SERVERS } from "./ice-servers.ts";
import { createLongPolls } from "./long-polls.ts";
import { createMessageShapes } from "./message-shapes.ts";
import { createOperations } from "./operations.ts";
import { registerParticipants } from "./participants.ts";
import type { TalkParts } from "./parts.ts";
import { createRoomBodies } from "./room-bodies.ts";
import { registerRooms } from "./rooms.ts";
import { registerSignaling } from "./signaling.ts";

export interface TalkOptions {
  useCases: UseCases;
  store: Pick<Store, "accounts" | "health" | "log">;
  feed: () => Feed;
  /** Where clients reach this server. */
  publicUrl: () => string;
  limits: RequestLimits;
  /** For calls; none unless told. */
  iceServers?: IceServers;
  /** Aborted when the process stops: whoever waits is answered. */
  stopping: AbortSignal;
  logger: Pick<Logger, "error" | "info" | "warn">;
}

/** A message of 32,000 characters outside of the basic plane, percent-encoded in a form, with room to spare. */
const MAX_BODY_BYTES = 512 * 1_024;

export function createTalk(options: TalkOptions): Face {
  const { useCases, store, feed, publicUrl, limits, iceServers = NO_ICE_SERVERS, stopping, logger } = options;
  const { face, app } = createFace({
    name: "talk",
    title: "Talk API",
    description:
      "Rooms, chat and calls for Talk-style clients. Answers stand in the OCS envelope, as XML unless JSON is asked for " +
      "(Accept: application/json, or format=json). Version 2 answers with HTTP's status, version 1 with 200 and the status inside. " +
      "Guests have the limits of users, and at most 100 requests of one caller wait at a time (429).",
    paths: [],
    prefixes: [V2, V1],
    security: {
      basic: { type: "http", scheme: "basic" },
      bearer: { type: "http", scheme: "bearer" },
      guest: {
        type: "apiKey",
        in: "cookie",
        name: GUEST_COOKIE,
        description: "Of guests, since they joined",
      },
    },
    refuse,
    respond: respondRefusal,
    limits,
    logger,
  });
  app.use(boundedBody(MAX_BODY_BYTES));
  const shapes = createMessageShapes(useCases, store.accounts);
  const polls = createLongPolls(
    (watched) => watchCredentials(store.accounts, useCases.clock, watched, logger),
    stopping,
  );
  // Without the database there is no news: whoever waits looks once more, and hears that it is away.
  store.health.onAway(polls.finishAll);
  const parts: TalkParts = {
    ...createOperations(app, useCases, limits),
    ...{ useCases, store, feed, publicUrl, shapes },
    ...{ polls, iceServers, logger },
    bodies: createRoomBodies(useCases, shapes),
  };
  registerCapabilities(parts);
  registerCloud(parts);
  registerRooms(parts);
  registerParticipants(parts);
  registerCalls(parts);
  registerChat(parts);
  registerSignaling(parts);
  return face;
}
