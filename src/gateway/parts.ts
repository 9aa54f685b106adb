/** Makes the parts of a gateway, each of parts that are there already. Nothing here listens on a port. */

import { NOWHERE } from "../domain/context/broadcasts.ts";
import { NO_ICE_SERVERS } from "../domain/context/ice-servers.ts";
import { createAccountCommands } from "./commands/account.ts";
import { createCallCommands } from "./commands/calls.ts";
import { type Commands, commandTable } from "./commands/commands.ts";
import { createFileCommands } from "./commands/files.ts";
import { Inbox } from "./commands/inbox.ts";
import { createMemberCommands } from "./commands/members.ts";
import { createMessageChanges } from "./commands/message-changes.ts";
import { createMessageCommands } from "./commands/messages.ts";
import { createPeopleCommands } from "./commands/people.ts";
import { createPresenceCommands } from "./commands/presence.ts";
import { createReceiptCommands } from "./commands/receipts.ts";
import { createRoomChanges } from "./commands/room-changes.ts";
import { createRoomListCommands } from "./commands/room-list.ts";
import { createSearchCommands } from "./commands/search.ts";
import { AccessEvents } from "./delivery/access-events.ts";
import { CatchUp } from "./delivery/catch-up.ts";
import { Hub } from "./delivery/hub.ts";
import { Lobbies } from "./delivery/lobby.ts";
import { Subscribers } from "./delivery/subscribers.ts";
import { createFeed, type RunningFeed } from "./feed/feed.ts";
import { createEntryShape, type EntryShape } from "./frames/room-entry.ts";
import { createUserShape, type UserShape } from "./frames/user.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import { HttpDoor } from "./http/door.ts";
import { type GatewayFigures, GatewayMetrics } from "./metrics.ts";
import { SessionLifecycle } from "./session-lifecycle.ts";
import { EntryNews } from "./sessions/entry-news.ts";
import { createHandshake } from "./sessions/handshake.ts";
import { LoginNotes } from "./sessions/login-notes.ts";
import { Memberships } from "./sessions/membership.ts";
import { OpenSessions } from "./sessions/open-sessions.ts";
import { createSessionMaintenance } from "./sessions/session-maintenance.ts";
import { SlowConsumers } from "./sessions/slow-consumers.ts";
import { Users } from "./sessions/users.ts";
import { Topics } from "./transport/topics.ts";

export interface GatewayParts {
  http: HttpDoor;
  sessions: OpenSessions;
  topics: Topics;
  hub: Hub;
  users: Users;
  memberships: Memberships;
  feed: RunningFeed;
  lifecycle: SessionLifecycle;
  shape: UserShape;
  figures(): GatewayFigures;
}

export function buildParts(options: GatewayOptions): GatewayParts {
  const { store, hot, useCases, node, heartbeatMs, rateLimits, logger } = options;
  const metrics = new GatewayMetrics(options.registry);
  const sessions = new OpenSessions();
  const slow = new SlowConsumers(sessions.all, metrics);
  const topics = new Topics(slow);
  const around = { publicUrl: options.publicUrl, matrixIdOf: options.matrixIdOf ?? NOWHERE.matrixIdOf };
  const entries = createEntryShape(useCases, around);
  const shape = createUserShape(around);
  const notes = new LoginNotes(useCases.accounts);
  const delivery = buildDelivery(options, { metrics, sessions, topics, entries });
  const { hub, users, memberships, catchUp, feed, news } = delivery;
  const commands = buildCommands(options, { hub, metrics, entries, memberships, shape, notes });
  const { accounts, roomEntries } = useCases;
  const handshake = createHandshake({
    ...{ ...delivery, store, accounts, roomEntries, entries, shape },
    ...{ sessions, metrics, heartbeatMs, rateLimits },
  });
  const inbox = new Inbox({
    ...{ handshake, commands: commandTable(commands), metrics, logger, rateLimits },
    storeHealth: store.health,
  });
  const maintenance = createSessionMaintenance({
    ...{ clock: store.clock, node, hot, slow, logger, heartbeatMs, notes },
    calls: commands.calls,
  });
  const lifecycle = new SessionLifecycle({
    ...{ sessions, users, memberships, news, inbox, commands, maintenance, rateLimits },
  });
  const figures = () => ({
    connections: sessions.all.size,
    sessions: sessions.authenticated,
    rooms: hub.size,
    queued: inbox.underWay,
    catchingUp: catchUp.underWay,
    followers: feed.followers,
  });
  metrics.watch(figures);
  const http = new HttpDoor(options.http, options.clientAddress);
  return { http, sessions, topics, hub, users, memberships, feed, lifecycle, shape, figures };
}

interface Basics {
  metrics: GatewayMetrics;
  sessions: OpenSessions;
  topics: Topics;
  entries: EntryShape;
}

interface Delivery {
  hub: Hub;
  users: Users;
  lobbies: Lobbies;
  catchUp: CatchUp;
  memberships: Memberships;
  news: EntryNews;
  feed: RunningFeed;
}

/** Delivery knows its subscribers by their keepers: the users of sessions, and those of the feed. */
function buildDelivery(
  { store, bus, useCases, logger, compareMs }: GatewayOptions,
  { metrics, sessions, topics, entries }: Basics,
): Delivery {
  const fileUrls = useCases.fileLinks;
  const hub = new Hub({ log: store.log, bus, topics, sessions: sessions.all, fileUrls, metrics, logger });
  const catchUp = new CatchUp(store.log, fileUrls, logger);
  const lobbies = new Lobbies({ lobby: useCases.lobby, hub, catchUp, logger });
  const users = new Users(bus);
  const { roomEntries } = useCases;
  const news = new EntryNews({ hub, users, topics, roomEntries, entries, logger });
  const memberships = new Memberships({ hub, lobbies, catchUp, news, rooms: store.roomLists, logger });
  const feed = createFeed({
    ...{ hub, bus, lobbies, catchUp, log: store.log, accounts: store.users, logger },
    rooms: { byId: store.rooms.byId, sessionRooms: store.roomLists.sessionRooms },
    everyMs: compareMs,
  });
  const access = new AccessEvents(lobbies, new Subscribers([users, feed.users]));
  hub.listen({
    accessEvent(room, event) {
      access.apply(room, event);
      news.accessEvent(room, event);
    },
    userFrame: ({ user }) => void users.rename(Number(user.id), user.name),
  });
  users.listen({
    joined: (user, hint) => memberships.joined(user, hint),
    entry: ({ id }, { roomId }) => news.changed(roomId, [id]),
    missed: (session, roomId) => news.missed(session, roomId),
  });
  return { hub, users, lobbies, catchUp, memberships, news, feed };
}

interface CommandParts {
  hub: Hub;
  metrics: GatewayMetrics;
  entries: EntryShape;
  shape: UserShape;
  notes: LoginNotes;
  memberships: Memberships;
}

function buildCommands(
  { hot, useCases, publicUrl, logger, matrixAccounts = null, iceServers = NO_ICE_SERVERS }: GatewayOptions,
  { hub, metrics, shape, notes, entries, memberships }: CommandParts,
): Commands {
  const { messages, fileLinks: fileUrls } = useCases;
  return {
    messages: createMessageCommands({ messages, hub, fileUrls, metrics }),
    changes: createMessageChanges({ useCases, hub }),
    receipts: createReceiptCommands(useCases.receipts, hub),
    search: createSearchCommands(useCases.search, fileUrls),
    members: createMemberCommands({ useCases, shape }),
    rooms: createRoomChanges({ useCases, entries, memberships, publicUrl }),
    people: createPeopleCommands(useCases, shape),
    account: createAccountCommands({ useCases, notes, matrixAccounts }),
    presence: createPresenceCommands(useCases, hub, logger),
    calls: createCallCommands({ useCases, iceServers, hot, hub, logger }),
    files: createFileCommands(useCases),
    roomList: createRoomListCommands(useCases, entries),
  };
}
