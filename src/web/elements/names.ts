/** How people are called: guests and people in Matrix choose their names freely, so it is said beside the name that they do. */
import type { WireActor } from "../../protocol/frames.ts";

export const OUTSIDERS: Partial<Record<WireActor["kind"], { word: string; title: string }>> = {
  guest: { word: "Guest", title: "A guest, who has no account here and chose this name" },
  matrix: { word: "Matrix", title: "Somebody in Matrix, who has no account here and chose this name" },
};

/** For lines of text. */
export function nameOf({ kind, name }: WireActor): string {
  const word = OUTSIDERS[kind]?.word;
  return word === undefined ? name : `${name} (${word})`.trimStart();
}
