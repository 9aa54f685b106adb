/** What people do, chosen by chance: its parts that both sides share. */
import type { Random } from "../../random.ts";
import type { Book, Said, Side } from "../book.ts";
import type { Cast, CastRoom } from "../cast.ts";

/** Everything from which an operation is made. Whatever is left to chance is decided when it is made. */
export interface Scene {
  cast: Cast;
  book: Book;
  random: Random;
  room: CastRoom;
  /** Of the kind that is made. */
  name: string;
}

export interface Operation {
  name: string;
  side: Side;
  /** Operations of one lane come one after the other. */
  lane: string;
  /** @throws Error when its side refuses it */
  run(): Promise<void>;
}

/** How often it comes, next to the others; null where nothing in the room is fit for it. */
export type Kind = readonly [
  weight: number,
  name: string,
  make: (scene: Scene) => Omit<Operation, "name" | "side"> | null,
];

export function pickKind(kinds: readonly Kind[], random: Random): Kind {
  let at = random.next() * kinds.reduce((sum, [weight]) => sum + weight, 0);
  for (const kind of kinds) {
    at -= kind[0];
    if (at < 0) return kind;
  }
  return kinds[0] as Kind;
}

const RECENT = 60;

/** One of the room's newest messages that stand on this side and that `is` tells. */
export function target<S extends Side>(
  { book, random, room }: Scene,
  side: S,
  is: (said: Said) => boolean = () => true,
): (S extends "chat" ? Said & { seq: number } : Said & { eventId: string }) | null {
  const place = side === "chat" ? "seq" : "eventId";
  const fit = book.said.filter(
    (said) => said.room === room.token && said.isTaken && !said.isDeleted && said[place] !== null && is(said),
  );
  return fit.length === 0 ? null : (random.pick(fit.slice(-RECENT)) as never);
}

const FILLER = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"] as const;

/** A few words that were hardly said before. */
export function someWords(random: Random): string {
  return [random.pick(FILLER), random.pick(FILLER), random.between(0, 99_999)].join(" ");
}

/** Who may delete what another wrote: the owner. */
export function mayDelete(who: string, cast: Cast, said: Said): boolean {
  return said.by === who || who === cast.people[0]?.key;
}
