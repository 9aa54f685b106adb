/**
 * Answers hello: authenticates the user, lists their rooms and sends what the session missed. It costs one query for the
 * token, one for the rooms, one round trip to hot state, and one page of the log when something was missed.
 */

import { looksLikeJwt } from "../../domain/auth/jwt.ts";
import { DomainError } from "../../domain/errors.ts";
import { type Principal, userActor } from "../../domain/model.ts";
import type { SessionRoom } from "../../domain/ports/store/room-lists.ts";
import type { Store } from "../../domain/ports/store/store.ts";
import { createSemaphore } from "../../domain/semaphore.ts";
import type { Accounts } from "../../domain/use-cases/accounts.ts";
import type { RoomEntries, RoomsAtStart } from "../../domain/use-cases/room-entries.ts";
import type { ClientFrames, ReadyFrame, ResumedRoom, UnreadFrame } from "../../protocol/frames.ts";
import type { CatchUp } from "../delivery/catch-up.ts";
import { type CatchUpSubscription, subscribe } from "../delivery/catch-up-subscription.ts";
import type { Hub } from "../delivery/hub.ts";
import type { Lobbies } from "../delivery/lobby.ts";
import { encodeReady } from "../frames/ready.ts";
import type { EntryShape } from "../frames/room-entry.ts";
import type { UserShape } from "../frames/user.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { EntryNews } from "./entry-news.ts";
import type { OpenSessions } from "./open-sessions.ts";
import { hiddenNews, judgeResume, placesOf } from "./resume.ts";
import { type Identity, newSessionId, type Session } from "./session.ts";
import type { Users } from "./users.ts";

/** Handshakes under way at once. The others wait their turn: many clients may come back at once. */
const MAX_HANDSHAKES = 64;
/** JWTs that are checked at once, apart from other tokens: reading the keys of their issuer may take long. */
const MAX_JWT_CHECKS = 64;
/** [GW-2.7] Sessions of one user on one gateway. */
const MAX_SESSIONS_PER_USER = 100;

export interface HandshakeOptions {
  store: Pick<Store, "history">;
  accounts: Pick<Accounts, "authenticate">;
  roomEntries: Pick<RoomEntries, "atStart">;
  entries: Pick<EntryShape, "shape" | "json">;
  shape: Pick<UserShape, "self">;
  hub: Hub;
  users: Users;
  lobbies: Lobbies;
  catchUp: CatchUp;
  news: Pick<EntryNews, "changed">;
  sessions: Pick<OpenSessions, "saidHello">;
  metrics: GatewayMetrics;
  heartbeatMs: number;
  rateLimits: boolean;
}

/**
 * Resolves when `ready` was sent; what was missed follows by itself.
 * @throws DomainError when the session can't begin
 */
export type Handshake = (session: Session, hello: ClientFrames["hello"]) => Promise<void>;

type UserPrincipal = Extract<Principal, { kind: "user" }> & { version: number; blocked?: number[] };

export function createHandshake(options: HandshakeOptions): Handshake {
  const { store, accounts, roomEntries, users, catchUp } = options;
  const handshakes = createSemaphore(MAX_HANDSHAKES);
  const jwtChecks = createSemaphore(MAX_JWT_CHECKS);

  return async (session, hello) => {
    options.sessions.saidHello(session);
    const authenticate = async () => (session.isGone ? null : await accounts.authenticate(hello.token));
    const ofJwt = looksLikeJwt(hello.token) ? await jwtChecks(authenticate) : null;
    const subscriptions = await handshakes(async () => {
      const principal = ofJwt ?? (await authenticate());
      if (principal === null || session.isGone) return [];
      if (principal.kind !== "user") throw notAUser();
      const identity = identify(options, session, principal, hello.device);
      try {
        const { epoch } = store.history;
        // What is told the user after the rooms are read reaches the session by their channel.
        await identity.user.listening;
        if (session.isGone) return [];
        const found = await roomEntries.atStart(identity.actor, wantedBy(hello));
        if (session.isGone) return [];
        if (store.history.epoch !== epoch) throw anotherHistory();
        let subscriptions: CatchUpSubscription[] = [];
        session.batch(() => {
          subscriptions = begin(options, session, { hello, principal, found });
        });
        return subscriptions;
      } catch (error) {
        users.detach(identity.user, session);
        session.identity = null;
        throw error;
      }
    });
    if (subscriptions.length > 0) void catchUp.read(session, subscriptions);
  };
}

/** What of the rooms is read for this hello. */
function wantedBy({ rooms, resume }: ClientFrames["hello"]): Parameters<RoomEntries["atStart"]>[1] {
  const most = rooms?.limit;
  const hiddenAfter = resume && (resume.hidden ?? 0);
  return {
    asked: placesOf(resume),
    ...(most !== undefined && { most }),
    ...(hiddenAfter !== undefined && { hiddenAfter }),
  };
}

function identify(
  { users, rateLimits }: HandshakeOptions,
  session: Session,
  { user, credential, version }: UserPrincipal,
  device: string | undefined,
): Identity {
  const local = users.attach(user, version, session);
  session.identity = { user: local, actor: userActor(user), credential, device: device ?? null };
  if (rateLimits && local.sessions.size > MAX_SESSIONS_PER_USER) {
    users.detach(local, session);
    session.identity = null;
    const message = `You have ${MAX_SESSIONS_PER_USER} sessions here already; end one first`;
    throw new DomainError("rate_limited", message, { retryAfterMs: 10_000 });
  }
  return session.identity as Identity;
}

interface Beginning {
  hello: ClientFrames["hello"];
  principal: UserPrincipal;
  found: RoomsAtStart;
}

/** In one turn of the event loop: says `ready`, and brings the session into its rooms. */
function begin(
  options: HandshakeOptions,
  session: Session,
  { hello, principal, found }: Beginning,
): CatchUpSubscription[] {
  const { store, entries, metrics, heartbeatMs } = options;
  const { user, blocked = [] } = principal;
  const rooms = found.rooms.map(({ room }) => room);
  const resumed = hello.resume ? judgeResume(hello.resume, store.history.epoch, rooms) : null;
  const hidden = hiddenNews(rooms);
  const ready: Omit<ReadyFrame, "rooms"> = {
    op: "ready",
    ref: hello.ref,
    session: newSessionId(),
    user: options.shape.self(user),
    blocked: blocked.map(String),
    epoch: store.history.epoch,
    heartbeatMs,
    ...(found.entries.length < rooms.length && { more: true }),
    ...(resumed && { resumed }),
    ...(hidden && { hidden }),
  };
  session.begin(ready.session, encodeReady(ready, found.entries, session.codec, entries));
  for (const { recovered } of resumed ?? []) {
    if (recovered) metrics.recovered++;
    else metrics.notRecovered++;
  }
  return enterAll(options, session, found.rooms, resumed ?? []);
}

/** @returns the rooms of which something has to be read from the log first */
function enterAll(
  { hub, lobbies, news }: HandshakeOptions,
  session: Session,
  rooms: RoomsAtStart["rooms"],
  resumed: readonly ResumedRoom[],
): CatchUpSubscription[] {
  const recovered = new Map(
    resumed.filter((each) => each.recovered).map(({ room, from }) => [room, from - 1]),
  );
  const subscriptions: CatchUpSubscription[] = [];
  for (const { room: each, waiting } of rooms) {
    const { id, token, joinedSeq, head, at: headAt, lobby, history } = each;
    const room = hub.follow(id, token, { head: { seq: head, at: headAt }, lobbyMayBeShut: lobby, history });
    const at = recovered.get(token) ?? head;
    session.enter(room, joinedSeq);
    if (waiting) {
      const unread = unreadOf(each);
      lobbies.pauseWaiting(session, room, { position: at, head }, () => session.send(unread));
    } else {
      const subscription = subscribe(session, room, at, head, lobbies);
      if (subscription?.isReading) subscriptions.push(subscription);
    }
    // The list is older than a change that was told before the session was in the room.
    if (room.changedSeq > head) news.changed(id, [session.userId]);
    // Where the list is ahead of what was delivered here, the hub reads the events between.
    hub.noteHead(room, head);
  }
  return subscriptions;
}

function unreadOf({ token, read, unread, mentions }: SessionRoom): UnreadFrame {
  return { op: "unread", room: token, read, unread, mention: mentions };
}

function notAUser(): DomainError {
  return new DomainError(
    "unauthorized",
    "An organization's API token can't open a session; use a user's token",
  );
}

/** What was read is of the history before. */
function anotherHistory(): DomainError {
  return new DomainError("unavailable", "The rooms have to be read again; say hello again", {
    retryAfterMs: 0,
  });
}
