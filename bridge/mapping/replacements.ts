/** Edits of a message in Matrix, which replace one another. Pure functions. */
import type { MirroredEvent } from "../store/events.ts";

/** An edit by its time, and the id of its event in Matrix; null until it is there. */
export interface Edit {
  eventId: string | null;
  /** Ms; null where it is unknown. */
  at: number | null;
}

/** Matrix' rule: the time of the sender's homeserver, then the event's id (Client-Server API, "Event replacements"). */
export function isNewerThan(edit: Edit, other: Edit): boolean {
  const [at, otherAt] = [edit.at ?? 0, other.at ?? 0];
  return at === otherAt ? (edit.eventId ?? "") > (other.eventId ?? "") : at > otherAt;
}

/** The newest of these edits, or null without one. */
export function newestOf<E extends Edit>(edits: readonly E[]): E | null {
  return edits.find((edit) => edits.every((other) => edit === other || !isNewerThan(other, edit))) ?? null;
}

/** Those of a message's parts that are edits and stand, made here or in Matrix. */
export function standingEdits(parts: readonly MirroredEvent[]): MirroredEvent[] {
  return parts.filter(({ op, redacted }) => (op === "edit" || op === "matrix_edit") && !redacted);
}
