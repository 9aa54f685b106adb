/**
 * The Talk API: rooms, the people in them, chat, calls and their signaling, under `/ocs/v1.php` and `/ocs/v2.php`.
 * Reading order: this file; operations.ts (how a request is judged) with authentication.ts, parameters.ts and
 * envelope.ts; then a file per noun, and the files that shape rooms and messages.
 */

import { type IceServers, NO_ICE_SERVERS } from "../../domain/context/ice-servers.ts";
import type { Feed } from "../../domain/ports/feed.ts";
import type { StoreHealth } from "../../domain/ports/store-health.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { boundedBody, createFace, type Face, type FaceOptions } from "../face/face.ts";
import { SOCKET_NAMES } from "../face/socket-names.ts";
import { watchCredentials } from "../requests/credential-watch.ts";
import type { RequestLimits } from "../requests/request-limits.ts";
import { GUEST_COOKIE } from "./common/authentication.ts";
import { createLongPolls } from "./common/long-polls.ts";
import { createOperations } from "./common/operations.ts";
import type { TalkParts } from "./common/parts.ts";
import { registerCalls } from "./routes/calls.ts";
import { registerCapabilities } from "./routes/capabilities.ts";
import { registerChat } from "./routes/chat.ts";
import { registerCloud } from "./routes/cloud.ts";
import { registerParticipants } from "./routes/participants.ts";
import { registerRooms } from "./routes/rooms.ts";
import { registerSignaling } from "./routes/signaling.ts";
import { V1, V2 } from "./shapes/envelope.ts";
import { refuse, respondRefusal } from "./shapes/failures.ts";
import { createMessageShapes } from "./shapes/message-shapes.ts";
import { createRoomBodies } from "./shapes/room-bodies.ts";

/** The use cases that this API has operations for. */
type Asked =
  | "accounts"
  | "clock"
  | "roomLifecycle"
  | "finding"
  | "guests"
  | "joining"
  | "lookup"
  | "memberSettings"
  | "mentions"
  | "messages"
  | "oneToOne"
  | "provisioning"
  | "repeats"
  | "roomSettings"
  | "roster"
  | "signaling"
  | "timeline";

export interface TalkOptions {
  useCases: Pick<UseCases, Asked>;
  storeHealth: Pick<StoreHealth, "onAway">;
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

/** What the API's document says of it. */
const ABOUT = {
  name: "talk",
  title: "Talk API",
  description:
    "Rooms, chat and calls for Talk-style clients. Answers stand in the OCS envelope, as XML unless JSON is asked for " +
    "(Accept: application/json, or format=json). Version 2 answers with HTTP's status, version 1 with 200 and the status inside. " +
    "Guests have the limits of users, and at most 100 requests of one caller wait at a time (429). " +
    SOCKET_NAMES,
  security: {
    basic: { type: "http", scheme: "basic" },
    bearer: { type: "http", scheme: "bearer" },
    guest: { type: "apiKey", in: "cookie", name: GUEST_COOKIE, description: "Of guests, since they joined" },
  },
} satisfies Partial<FaceOptions>;

export function createTalk(options: TalkOptions): Face {
  const {
    useCases,
    storeHealth,
    feed,
    publicUrl,
    limits,
    iceServers = NO_ICE_SERVERS,
    stopping,
    logger,
  } = options;
  const { face, app } = createFace({
    ...ABOUT,
    paths: [],
    prefixes: [V2, V1],
    refuse,
    respond: respondRefusal,
    limits,
    logger,
  });
  app.use(boundedBody(MAX_BODY_BYTES));
  const shapes = createMessageShapes(useCases);
  const polls = createLongPolls(
    (watched) => watchCredentials(useCases.accounts, useCases.clock, watched, logger),
    stopping,
  );
  // Without the database there is no news: whoever waits looks once more, and hears that it is away.
  storeHealth.onAway(polls.finishAll);
  const parts: TalkParts<Asked> = {
    ...createOperations(app, useCases, limits),
    ...{ useCases, feed, publicUrl, shapes },
    ...{ polls, iceServers, logger },
    bodies: createRoomBodies(useCases, shapes),
  };
  registerRoutes(parts);
  return face;
}

function registerRoutes(parts: TalkParts<Asked>): void {
  registerCapabilities(parts);
  registerCloud(parts);
  registerRooms(parts);
  registerParticipants(parts);
  registerCalls(parts);
  registerChat(parts);
  registerSignaling(parts);
}
