/** Searching messages: what may be searched, what of the index's candidates matches, and where a page goes on. */
import type { Context } from "../context/context.ts";
import { checkLimit } from "../cursors.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, type LoggedEvent, type MemberKey, memberKey } from "../model.ts";
import { can } from "../permissions.ts";
import type { SearchableRoom, SearchPlace, SearchQuery, SearchScope } from "../ports/store/search.ts";
import { createSemaphore } from "../semaphore.ts";
import type { Hit, Search, SearchInput, SearchResult } from "../use-cases/search.ts";
import { neededKeys, runsOf } from "../words.ts";
import { type Asked, highlightsIn } from "./matching.ts";

const MAX_TEXT = 200;
const MAX_HITS = 100;
/** Texts of one page, about, in UTF-16 code units. */
const MAX_PAGE_LENGTH = 512 * 1024;
/** Looks into the index for one page: candidates that don't match are rare. */
const MAX_LOOKS = 4;
/** Searches at once, so that sends find connections to the database, and those of one actor that may be under way. */
const MAX_AT_ONCE = 3;
const MAX_OF_ONE = 8;

export function createSearch(context: Context): Search {
  const inTurn = createSemaphore(MAX_AT_ONCE);
  const underWay = new Map<MemberKey, number>();
  return {
    async messages(actor, input) {
      const asked = askedOf(input);
      const member = memberKey(actor);
      const others = underWay.get(member) ?? 0;
      if (others >= MAX_OF_ONE)
        throw new DomainError("busy", "Too many searches at once; wait for the others", {
          retryAfterMs: 500,
        });
      underWay.set(member, others + 1);
      try {
        return await inTurn(() => search(context, actor, asked, input));
      } finally {
        const left = (underWay.get(member) ?? 1) - 1;
        if (left === 0) underWay.delete(member);
        else underWay.set(member, left);
      }
    },
  };
}

async function search(
  context: Context,
  actor: Actor,
  asked: Asked,
  { room, limit, cursor }: SearchInput,
): Promise<SearchResult> {
  const scope = await scopeOf(context, actor, room);
  const query = queryOf(asked);
  const hits: Hit[] = [];
  let below = cursor === undefined ? null : placeOf(cursor);
  let since: number | null = null;
  let length = 0;
  for (let look = 0; look < MAX_LOOKS; look++) {
    const found = await context.store.search.candidates(scope, query, below, limit - hits.length);
    since ??= found.behind;
    for (const event of await readable(context, scope, found.events)) {
      const highlights = highlightsIn(event, asked);
      if (!highlights) continue;
      if (hits.length > 0 && length + event.dataJson.length > MAX_PAGE_LENGTH)
        return { hits, cursor: cursorOf((hits.at(-1) as Hit).event), behind: since };
      hits.push({ event, highlights });
      length += event.dataJson.length;
    }
    below = found.next;
    if (below === null || hits.length === limit) break;
  }
  return { hits, cursor: below && cursorOf(below), behind: since };
}

/** Where the actor may search now. @throws DomainError where they may not read the room that was named */
async function scopeOf(context: Context, actor: Actor, room: string | undefined): Promise<SearchScope> {
  const { store, accesses } = context;
  const member = memberKey(actor);
  const only = room === undefined ? undefined : [(await accesses.require(actor, room, "read")).roomId];
  const rooms = await store.search.rooms(member, only);
  return { member, rooms: rooms?.filter((each) => isReadable(context, each)) ?? null };
}

/** Those of the events whose rooms the actor may read. */
async function readable(
  context: Context,
  { member, rooms }: SearchScope,
  events: readonly LoggedEvent[],
): Promise<readonly LoggedEvent[]> {
  if (rooms !== null || events.length === 0) return events;
  const named = [...new Set(events.map(({ roomId }) => roomId))];
  const found = (await context.store.search.rooms(member, named)) ?? [];
  const seenFrom = new Map(
    found
      .filter((each) => isReadable(context, each))
      .map(({ rules, historyFrom }) => [rules.id, historyFrom]),
  );
  return events.filter(({ roomId, seq }) => seq > (seenFrom.get(roomId) ?? Number.POSITIVE_INFINITY));
}

function isReadable({ now }: Context, { role, rules }: SearchableRoom): boolean {
  return can({ role }, rules, "read", now()) === null;
}

function askedOf({ text, from, has, before, after, limit }: SearchInput): Asked {
  checkLimit(limit, MAX_HITS);
  if ([...text].length > MAX_TEXT) throw badField("text", `must have at most ${MAX_TEXT} characters`);
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
