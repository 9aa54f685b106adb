/**
 * By which terms the index finds a message. A term is a negative 32-bit number, so that the index is small and holds no
 * text. Two words may share one: who searches compares what is found. Stretches of time have terms of their own, made in
 * the database (causeway_stretches).
 */
import { dataOf } from "../../domain/event-data.ts";
import type { LoggedEvent } from "../../domain/model.ts";
import { HAS, type SearchQuery } from "../../domain/ports/store/search.ts";
import { hasIn } from "../../domain/search/matching.ts";
import { keysOf, runsOf } from "../../domain/words.ts";

/** What a message is found by, without the stretches of time. */
export function termsOf(message: Pick<LoggedEvent, "roomId" | "actor" | "dataJson">): number[] {
  const data = dataOf<"message">(message);
  const words = Array.from(keysOf(runsOf(data.text)), wordTerm);
  const holds = HAS.filter((what) => hasIn(data, what)).map(hasTerm);
  return [...new Set([...words, ...holds, authorTerm(message.actor.id), roomTerm(message.roomId)])];
}

/** What a message must have to be a candidate. */
export function neededTerms({ words, from, has }: Pick<SearchQuery, "words" | "from" | "has">): number[] {
  const terms = words.map(wordTerm);
  if (from !== undefined) terms.push(authorTerm(from));
  if (has !== undefined) terms.push(hasTerm(has));
  return terms;
}

export function roomTerm(roomId: number): number {
  return term("room", String(roomId));
}

function wordTerm(key: string): number {
  return term("word", key);
}

function authorTerm(id: string): number {
  return term("from", id);
}

function hasTerm(what: string): number {
  return term("has", what);
}

/** FNV-1a over UTF-16 code units, its highest bit set. */
function term(kind: string, value: string): number {
  let hash = 0x811c9dc5;
  for (const text of [kind, " ", value]) {
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) | 0x80000000;
}
