/** What Talk's operations share. */
import type { Feed } from "../../../domain/ports/feed.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import type { AuditLog } from "../../face/audit.ts";
import type { MessageShapes } from "../shapes/message-shapes.ts";
import type { RoomBodies } from "../shapes/room-bodies.ts";
import type { IceServers } from "./ice-servers.ts";
import type { LongPolls } from "./long-polls.ts";
import type { Operations } from "./operations.ts";

export interface TalkParts extends Operations {
  useCases: UseCases;
  feed: () => Feed;
  /** Where clients reach this server. */
  publicUrl: () => string;
  polls: LongPolls;
  logger: AuditLog;
  iceServers: IceServers;
  shapes: MessageShapes;
  bodies: RoomBodies;
}

export const MAX_ID_LENGTH = 320;
