/** Puts together what room turns work with (worker/room-turn.ts). */

import type { AttachmentFiles } from "../src/domain/ports/attachments.ts";
import type { UseCases } from "../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../src/logger.ts";
import type { PostgresStore } from "../src/store/postgres.ts";
import { isDeactivated } from "./homeserver/deactivated.ts";
import type { GhostAccounts } from "./homeserver/ghost-accounts.ts";
import type { Homeserver } from "./homeserver/homeserver.ts";
import type { Mas } from "./homeserver/mas.ts";
import { createMedia, type Media } from "./homeserver/media.ts";
import type { Pictures } from "./homeserver/pictures.ts";
import { createApplyInbox } from "./inbound/apply-inbox.ts";
import { type Arrivals, createArrivals } from "./inbound/content/arrivals.ts";
import { createInboundEdits } from "./inbound/content/edits.ts";
import { createInboundFiles } from "./inbound/content/files.ts";
import { createIsModerator } from "./inbound/content/moderators.ts";
import { createInboundPolls } from "./inbound/content/polls.ts";
import { createInboundReactions } from "./inbound/content/reactions.ts";
import { createInboundRedactions } from "./inbound/content/redactions.ts";
import { createSendStatus } from "./inbound/content/send-status.ts";
import { createTakenBackEdits } from "./inbound/content/taken-back.ts";
import { createUndo } from "./inbound/content/undo.ts";
import { createInbound } from "./inbound/inbound.ts";
import type { Inbox } from "./inbound/inbox.ts";
import { createEntering } from "./inbound/invitations/entering.ts";
import { createInvitations } from "./inbound/invitations/invitations.ts";
import { createLeaves } from "./inbound/leaves.ts";
import { createInboundMembers, type InboundMembers } from "./inbound/members.ts";
import { createPutAside } from "./inbound/put-aside.ts";
import { createInboundState, type InboundState } from "./inbound/state.ts";
import { createTargets } from "./inbound/targets.ts";
import type { Live } from "./live/live.ts";
import type { Ghosts } from "./mapping/ghosts.ts";
import { createMarks, type Marks } from "./mapping/marks.ts";
import type { BridgeCounts } from "./metrics.ts";
import { createCurrentText } from "./outbound/current-text.ts";
import { createDelivery } from "./outbound/delivery.ts";
import { createOutbound, type Outbound } from "./outbound/outbound.ts";
import { createOwnEvents } from "./outbound/own-events.ts";
import { createSupersededEdits, type SupersededEdits } from "./outbound/superseded-edits.ts";
import { createWrites } from "./outbound/writes.ts";
import { createInboundNames } from "./profile/names.ts";
import { createInboundPins, createPinsInMatrix } from "./profile/pins.ts";
import { createInboundRoles } from "./profile/roles.ts";
import { createRoomProfile } from "./profile/room-profile.ts";
import { createEventLookup, type EventLookup } from "./rooms/event-lookup.ts";
import { createMatrixLookup, type MatrixLookup } from "./rooms/matrix-lookup.ts";
import { createMembers, type Members } from "./rooms/members.ts";
import { createRoomState } from "./rooms/room-state.ts";
import { createMatrixRooms, type MatrixRooms, type OpenRoom } from "./rooms/rooms.ts";
import type { BridgeStore } from "./store/bridge-store.ts";

/** The parts of the server that room turns read from and write to. */
export interface RoomParts {
  store: PostgresStore;
  useCases: Pick<
    UseCases,
    | "messages"
    | "reactions"
    | "attachments"
    | "roomLifecycle"
    | "roomSettings"
    | "pins"
    | "matrixRequests"
    | "oneToOne"
  >;
  /** Whether people elsewhere in Matrix may ask users for a direct chat. Default: yes. */
  requests?: boolean;
  /** Where the bytes of attachments are. */
  files: AttachmentFiles;
  logger: Logger;
  /** This worker's name, unique among the live workers. */
  node: string;
  /** How often a file of a message from Matrix is asked for that does not come. */
  fileTries?: number;
}

export interface RoomHandlersOptions {
  options: RoomParts;
  store: BridgeStore;
  counts: BridgeCounts;
  homeserver: Homeserver;
  mas: Mas | null;
  ghosts: Ghosts;
  accounts: GhostAccounts;
  pictures: Pictures;
  inbox: Inbox;
  wake: (roomId: number) => void;
  connected: () => boolean;
  roomVersion: () => string;
  /** A user's account in Matrix has to be put right. */
  profileChanged: () => void;
  live: Live;
}

/** What a room turn works with: the Matrix room itself, events to Matrix, events from Matrix, and the files of these. */
export function createRoomHandlers(surroundings: RoomHandlersOptions) {
  const { options, store, counts, homeserver, ghosts, accounts, roomVersion, pictures } = surroundings;
  const { logger } = options;
  const { memberships } = options.store;
  const matrix = { homeserver, accounts, ghosts, store, pictures };
  const rooms = createMatrixRooms({ ...matrix, memberships, roomVersion });
  const marks = createMarks(options.store.secret);
  const superseded = createSupersededEdits({ store, accounts, ghosts, marks, counts, logger });
  const parts: HandlerParts = {
    ...{ ...surroundings, rooms, marks, superseded },
    members: createMembers(accounts, ghosts, store),
    media: createMedia(homeserver, ghosts, options.files),
    events: createEventLookup(accounts, ghosts),
  };
  const invited = { store, users: options.store.users, accounts, ghosts, logger };
  return {
    rooms,
    ...createInboundHandler(parts),
    outbound: createOutboundHandler(parts),
    entering: createEntering({ ...invited, inbox: parts.inbox }),
    invitations: createInvitations({
      ...{ ...invited, useCases: options.useCases, requests: options.requests ?? true },
    }),
  };
}

/** What both directions work with. */
interface HandlerParts extends RoomHandlersOptions {
  rooms: MatrixRooms;
  members: Members;
  media: Media;
  events: EventLookup;
  marks: Marks;
  superseded: SupersededEdits;
}

function createOutboundHandler(parts: HandlerParts): Outbound {
  const { options, store, counts, ghosts, accounts, rooms, members, media, marks, superseded, live, events } =
    parts;
  const { logger } = options;
  const { log, rooms: chatrooms, messages, users, clock } = options.store;
  const writes = createWrites({ ghosts, events, media, marks, store, attachments: messages });
  const delivery = createDelivery({
    ...{ accounts, ghosts, members, writes, superseded },
    ...{ marks, store, counts, logger, clock },
    currentText: createCurrentText({ log, users, ghosts }),
  });
  return createOutbound({
    ...{ log, chatrooms, store, ghosts, members, rooms },
    pins: createPinsInMatrix(store, createRoomState(accounts, ghosts)),
    ...{ delivery, superseded, live, counts, logger },
  });
}

function createInboundHandler(parts: HandlerParts): {
  applyInbox: (room: OpenRoom) => Promise<boolean>;
  arrivals: Arrivals;
} {
  const { options, store, counts, ghosts, accounts, inbox, wake, rooms, marks } = parts;
  const { superseded, connected, events } = parts;
  const { useCases, logger } = options;
  const { log, users, memberships } = options.store;
  const lookup = createMatrixLookup(accounts, ghosts, users, events);
  const { messages } = useCases;
  const arrivals = createFileArrivals(parts, lookup);
  const isModerator = createIsModerator(memberships);
  const inboundMembers = createMemberHandler(parts, lookup);
  const state = createState(parts, lookup);
  const status = createSendStatus(accounts, ghosts, marks);
  const toMatrix = { accounts, ghosts, marks, status };
  const undo = createUndo({ members: inboundMembers, state, ...toMatrix, counts, logger });
  const own = createOwnEvents({ store, log, ghosts, marks, counts });
  const acts = { store, log, lookup, isModerator, undo };
  const reactions = createInboundReactions({ ...acts, reactions: useCases.reactions });
  const inbound = createInbound({
    ...{ store, log, useCases, ghosts, lookup, counts, logger, undo, status },
    members: inboundMembers,
    edits: createInboundEdits({ store, log, messages, superseded, ghosts }),
    redactions: createInboundRedactions({
      ...{ store, log, useCases, reactions, state },
      takenBack: createTakenBackEdits({ store, log, messages, events, isModerator, ghosts }),
    }),
    ...{ state, own, reactions },
    polls: createInboundPolls(accounts, ghosts, events),
    arrivals,
  });
  const targets = createTargets({ store, inbox, events, own, connected, counts, logger });
  const aside = createPutAside({ store, log, messages, status, lookup, counts, logger });
  const leaves = createLeaves(store, ghosts, wake);
  return { applyInbox: createApplyInbox({ store, inbound, targets, leaves, aside, rooms }), arrivals };
}

function createMemberHandler(parts: HandlerParts, lookup: MatrixLookup): InboundMembers {
  const { options, store, ghosts, members, wake } = parts;
  const { roomLifecycle } = options.useCases;
  return createInboundMembers({
    ...{ store, ghosts, members, lookup, wake, roomLifecycle, logger: options.logger },
    names: createInboundNames(store, lookup, parts.profileChanged),
    isDeactivated: (matrixId) => isDeactivated(parts.homeserver, matrixId, parts.mas),
  });
}

function createFileArrivals({ options, store, media }: HandlerParts, lookup: MatrixLookup): Arrivals {
  const { node, fileTries: tries, logger } = options;
  const { messages, attachments } = options.useCases;
  const files = createInboundFiles(media, attachments, store);
  const { log } = options.store;
  return createArrivals({ node, store, files, messages, attachments, log, lookup, logger, tries });
}

function createState(
  { options, store, media, pictures, wake }: HandlerParts,
  lookup: MatrixLookup,
): InboundState {
  const { roomLifecycle, roomSettings, attachments } = options.useCases;
  const { memberships } = options.store;
  const profile = createRoomProfile({ roomSettings, attachments, media, pictures, lookup });
  const roles = createInboundRoles({ roomLifecycle, memberships, lookup });
  const pins = createInboundPins(store, options.useCases.pins, lookup);
  return createInboundState({ store, roomLifecycle, profile, roles, pins, lookup, wake });
}
