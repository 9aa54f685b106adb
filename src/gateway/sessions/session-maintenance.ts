/**
 * The regular look at every connection. It ends silent ones, slow ones, those that say no hello and those whose credential
 * expired, and refreshes the others in hot state. The timing wheel calls it, so no session has a timer of its own.
 */
import { isUnavailable } from "../../domain/errors.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { HotState, SessionEntry } from "../../domain/ports/hot.ts";
import type { Logger } from "../../logger.ts";
import { LIMITS } from "../../protocol/limits.ts";
import { type LoginNotes, NOTED_AGAIN_MS } from "./login-notes.ts";
import type { Session } from "./session.ts";
import type { SlowConsumers } from "./slow-consumers.ts";

/** An entry in the registry of sessions lives this long after its last refresh. */
const REGISTRY_TTL_MS = 60_000;
const REGISTRY_REFRESH_MS = 12_000;

export interface MaintenanceOptions {
  node: string;
  clock: Clock;
  hot: Pick<HotState, "sessions">;
  calls: { refresh(sessions: Iterable<Session>, now: number): Promise<unknown> };
  slow: SlowConsumers;
  notes: Pick<LoginNotes, "note">;
  logger: Pick<Logger, "warn">;
  heartbeatMs: number;
}

export interface SessionMaintenance {
  /** `now` is `performance.now()`. */
  visit(sessions: ReadonlySet<Session>, now: number): void;
  /** Ended sessions leave the registry with the next visit. */
  ended(session: Session): void;
}

export function createSessionMaintenance(options: MaintenanceOptions): SessionMaintenance {
  const { calls, slow, logger, hot, clock } = options;
  let ended: string[] = [];

  function quietly(work: string, done: Promise<unknown>): void {
    done.catch((error: unknown) => {
      if (!isUnavailable(error))
        logger.warn(
          { event: "sessions.upkeep_failed", err: error, work },
          "periodic work for sessions failed; it is repeated",
        );
    });
  }

  /** False when the session was ended. */
  function check(session: Session, now: number): boolean {
    const reason = reasonToEnd(session, now, options);
    if (!reason) return slow.look(session);
    session.close(reason);
    return false;
  }

  return {
    visit(sessions, now) {
      const register: SessionEntry[] = [];
      const inCalls: Session[] = [];
      for (const session of sessions) {
        if (!check(session, now)) continue;
        if (session.state !== "ready" || isFresh(session, now)) continue;
        if (session.registeredAt === 0 || now - session.notedAt >= NOTED_AGAIN_MS) {
          session.notedAt = now;
          options.notes.note(session);
        }
        session.registeredAt = now;
        register.push(entryOf(session, options, now));
        if (session.calls && session.calls.size > 0) inCalls.push(session);
      }
      if (register.length > 0) quietly("register", hot.sessions.put(register, REGISTRY_TTL_MS));
      if (inCalls.length > 0) quietly("refresh calls", calls.refresh(inCalls, clock.now()));
      if (ended.length > 0) quietly("remove", hot.sessions.remove(ended));
      ended = [];
    },
    ended(session) {
      if (session.registeredAt > 0) ended.push(session.id);
    },
  };
}

/** A session that was never registered is not: `now` counts from the start of the process, which may be moments ago. */
function isFresh({ registeredAt }: Session, now: number): boolean {
  return registeredAt > 0 && now - registeredAt < REGISTRY_REFRESH_MS;
}

function reasonToEnd(session: Session, now: number, { heartbeatMs, clock }: MaintenanceOptions) {
  if (session.state === "new") return now - session.startedAt > LIMITS.HELLO_WITHIN_MS ? "no_hello" : null;
  // [GW-10.3] The client has twice the time that it was told: clocks and networks are not exact.
  if (now - session.lastHeard > 2 * heartbeatMs) return "silent";
  const credential = session.identity?.credential;
  // An access token is renewed through its login while the session lives; the login itself is watched (accounts.ts).
  if (credential && (credential.via === "token" || credential.via === "jwt")) {
    if (credential.expiresAt !== null && credential.expiresAt <= clock.now()) return "unauthorized";
  }
  return null;
}

function entryOf(session: Session, { node, clock }: MaintenanceOptions, now: number): SessionEntry {
  const { id, identity } = session;
  const startedAt = Math.floor(clock.now() - (now - session.startedAt));
  return { id, userId: identity?.user.id ?? 0, node, device: identity?.device ?? null, startedAt };
}
