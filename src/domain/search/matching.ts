/** What a search asks for, and where a message has it. Pure functions. */
import { dataOf } from "../event-data.ts";
import type { EventData, LoggedEvent } from "../model.ts";
import type { Has } from "../ports/store/search.ts";
import { type Run, runsOf } from "../words.ts";

/** A place in a text: its start and its length in UTF-16 code units. */
export type Highlight = [start: number, length: number];

const LINK = /https?:\/\/[^\s/]/i;

export interface Asked {
  words: readonly Run[];
  from?: string;
  has?: Has;
  before?: number;
  after?: number;
}

/** Where the message has what was asked for, in order and without overlaps; null when it does not match. */
export function highlightsIn(event: LoggedEvent, asked: Asked): Highlight[] | null {
  const { from, has, before, after } = asked;
  if (from !== undefined && event.actor.id !== from) return null;
  if ((before !== undefined && event.at >= before) || (after !== undefined && event.at <= after)) return null;
  const data = dataOf<"message">(event);
  if (data.deleted || (has !== undefined && !hasIn(data, has))) return null;
  const runs = runsOf(data.text);
  const found = asked.words.map((word) => runs.flatMap((run) => placesOf(word, run)));
  return found.every((places) => places.length > 0) ? merged(found.flat()) : null;
}

/** What a message holds beside words. */
export function hasIn({ text, attachments = [] }: EventData["message"], what: Has): boolean {
  if (what === "link") return LINK.test(text);
  return attachments.some(({ type }) => what === "file" || type.startsWith("image/"));
}

/** Where the parts of a word stand side by side in a run. */
function placesOf(word: Run, run: Run): Highlight[] {
  const places: Highlight[] = [];
  for (let at = 0; at + word.length <= run.length; at++) {
    if (!word.every(({ folded }, n) => run[at + n]?.folded === folded)) continue;
    const [first, last] = [run[at], run[at + word.length - 1]];
    if (first && last) places.push([first.start, last.start + last.length - first.start]);
  }
  return places;
}

function merged(places: Highlight[]): Highlight[] {
  const result: Highlight[] = [];
  for (const [start, length] of places.sort(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && start < last[0] + last[1]) last[1] = Math.max(last[1], start + length - last[0]);
    else result.push([start, length]);
  }
  return result;
}
