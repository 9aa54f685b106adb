/** The rules of connections: which status may follow which, on both sides, how many there may be, and how they are refused. */
import { badField, DomainError } from "../errors.ts";
import type { ConnectionStatus, Room, User } from "../model.ts";
import { checkWellFormed, codePoints } from "../text-rules.ts";
import type { Connection } from "../use-cases/people.ts";

const MESSAGE_CODE_POINTS = 256;
/** Requests of one user that are not answered, and users whom one user blocks: a session is told all of these. */
export const MAX_SENT = 1_000;
export const MAX_BLOCKED = 1_000;

/** By status: the statuses to which its owner may change it, and the other side's status then (undefined: unchanged). */
const CHANGES: Partial<
  Record<ConnectionStatus, Partial<Record<ConnectionStatus, { theirs?: ConnectionStatus }>>>
> = {
  sent: { cancelled: { theirs: "cancelled" }, blocked: {} },
  pending: { accepted: { theirs: "accepted" }, ignored: {}, blocked: {} },
  ignored: { accepted: { theirs: "accepted" }, blocked: {} },
  accepted: { blocked: {} },
  blocked: { accepted: {} },
  cancelled: { blocked: {} },
};

interface Sides {
  mine: ConnectionStatus | null;
  theirs: ConnectionStatus | null;
  colleagues: boolean;
}

/**
 * The new statuses of both sides. After an unblock the connection is accepted if the other had asked or was accepted
 * before; otherwise it is as before the block.
 * @throws DomainError `conflict`
 */
export function changed(
  { mine, theirs, colleagues }: Sides,
  status: ConnectionStatus,
): { next: ConnectionStatus; others: ConnectionStatus | undefined } {
  if (mine === null) return { next: status, others: undefined };
  const then = CHANGES[mine]?.[status];
  if (!then) {
    throw new DomainError("conflict", `A connection that is ${mine} can't become ${status}`, {
      field: "status",
    });
  }
  if (mine !== "blocked") return { next: status, others: then.theirs };
  const asked = theirs === "accepted" || theirs === "sent" || (theirs === "blocked" && !colleagues);
  if (asked) return { next: "accepted", others: "accepted" };
  return { next: theirs === "pending" || theirs === "ignored" ? "sent" : "cancelled", others: undefined };
}

/** The connection of users of one organization, which needs no request. */
export function unasked(from: User, to: User, room: Room | null): Connection {
  const updatedAt = room?.createdAt ?? Math.max(from.createdAt, to.createdAt);
  return { from, to, status: "accepted", message: null, room, updatedAt, known: true };
}

export function noSuchUser(): DomainError {
  return new DomainError("not_found", "There is no such user", { field: "user" });
}

export function noSuchConnection(): DomainError {
  return new DomainError("not_found", "There is no such connection", { field: "user" });
}

export function youBlocked(): DomainError {
  return new DomainError("forbidden", "You blocked this user", { field: "user" });
}

export function tooManyBlocked(): DomainError {
  return new DomainError("too_large", "You block 1,000 users already; unblock one first", { field: "user" });
}

export function checkMessage(message: string | null): void {
  if (message === null) return;
  if (codePoints(message) > MESSAGE_CODE_POINTS) {
    throw badField("message", "must be at most 256 characters long");
  }
  checkWellFormed("message", message);
}
