/** Searching messages: what may be searched, what of the index's candidates matches, and where a page goes on. */
import type { Context } from "../context/context.ts";
import { checkLimit } from "../cursors.ts";
import { badField } from "../errors.ts";
import { type Actor, memberKey } from "../model.ts";
import { can } from "../permissions.ts";
import type { SearchableRoom, SearchPlace, SearchQuery } from "../ports/store/search.ts";
import type { Search, SearchInput, SearchResult } from "../use-cases/search.ts";
import { neededKeys, runsOf } from "../words.ts";
import { type Asked, highlightsIn } from "./matching.ts";

const MAX_TEXT = 200;
const MAX_HITS = 100;
/** Looks into the index for one page: candidates that don't match are rare. */
const MAX_LOOKS = 4;

export function createSearch({ store, accesses, now }: Context): Search {
  /** The actor's rooms that they may read now. @throws DomainError where the one that was named is not */
  async function readableRooms(actor: Actor, room: string | undefined): Promise<SearchableRoom[]> {
    const member = memberKey(actor);
    const only = room === undefined ? undefined : await accesses.require(actor, room, "read");
    const rooms = await store.search.rooms(member, only?.roomId);
    return rooms.filter(({ role, rules }) => can({ role }, rules, "read", now()) === null);
  }

  return {
    async messages(actor, input) {
      const asked = askedOf(input);
      const rooms = await readableRooms(actor, input.room);
      const result: SearchResult = { hits: [], cursor: null, behind: null };
      const query = queryOf(asked);
      let below = input.cursor === undefined ? null : placeOf(input.cursor);
      for (let look = 0; look < MAX_LOOKS && result.hits.length < input.limit; look++) {
        const wanted = input.limit - result.hits.length;
        const { events, next, behind } = await store.search.candidates(rooms, query, below, wanted);
        for (const event of events) {
          const highlights = highlightsIn(event, asked);
          if (highlights) result.hits.push({ event, highlights });
        }
        result.behind ??= behind;
        below = next;
        if (below === null) break;
      }
      return { ...result, cursor: below && cursorOf(below) };
    },
  };
}

function askedOf({ text, from, has, before, after, limit }: SearchInput): Asked {
  checkLimit(limit, MAX_HITS);
  if (text.length > MAX_TEXT) throw badField("text", `must have at most ${MAX_TEXT} characters`);
  const words = runsOf(text);
  if (words.length === 0 && from === undefined && has === undefined)
    throw badField("text", "must have a word, unless from or has is given");
  return {
    words,
    ...(from !== undefined && { from }),
    ...(has !== undefined && { has }),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
  };
}

function queryOf({ words, ...rest }: Asked): SearchQuery {
  return { words: [...neededKeys(words)], ...rest };
}

function cursorOf({ at, roomId, seq }: SearchPlace): string {
  return Buffer.from([at, roomId, seq].join(" ")).toString("base64url");
}

/** @throws DomainError `bad_request` for what is no cursor */
function placeOf(cursor: string): SearchPlace {
  const numbers = Buffer.from(cursor, "base64url").toString().split(" ").map(Number);
  const [at, roomId, seq] = numbers;
  if (at === undefined || roomId === undefined || seq === undefined || !numbers.every(Number.isSafeInteger))
    throw badField("cursor", "must be of an answer to search");
  return { at, roomId, seq };
}
