/** What Talk's operations share. */

import type { IceServers } from "../../../domain/context/ice-servers.ts";
import type { Feed } from "../../../domain/ports/feed.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import type { AuditLog } from "../../face/audit.ts";
import type { MessageShapes } from "../shapes/message-shapes.ts";
import type { RoomBodies } from "../shapes/room-bodies.ts";
import type { LongPolls } from "./long-polls.ts";
import type { Operations } from "./operations.ts";

/** What an operation works with. `U` names the use cases that it asks. */
export interface TalkParts<U extends keyof UseCases = never> extends Operations {
  useCases: Pick<UseCases, U>;
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
