/** What a store finds by words, before and after its index knows them. */
import { describe, expect, test, vi } from "vitest";
import { dataOf } from "../../../src/domain/event-data.ts";
import type { EditData } from "../../../src/domain/model.ts";
import type { SearchableRoom, SearchPlace, SearchQuery } from "../../../src/domain/ports/store/search.ts";
import type { PostgresStore } from "../../../src/store/postgres.ts";
import { purgeStep } from "../../../src/store/schema/housekeeping.ts";
import { neededTerms } from "../../../src/store/search/terms.ts";
import { createRoom, type StoredRoom, say } from "../fixtures.ts";

type Room = Pick<StoredRoom, "id">;

/** Beyond the ids of rooms that tests make otherwise. */
let nextRoom = 1 << 30;

export function searchContract(store: () => PostgresStore): void {
  /** As somebody sees them who sees all of them. */
  async function searchable(rooms: readonly Room[]): Promise<SearchableRoom[]> {
    const found = await store().sql<{ id: number; head: number; lastActivity: number; indexed: number }[]>`
      select h.conversation_id as id, h.head_seq as head, h.last_activity as "lastActivity", coalesce(w.seq, 0) as indexed
      from room_heads h left join word_heads w on w.conversation_id = h.conversation_id
      where h.conversation_id = any (${rooms.map(({ id }) => id)}::bigint[])`;
    return found.map(({ id, ...room }) => ({
      rules: {
        id,
        type: "group",
        readOnly: false,
        posting: "all",
        lobby: false,
        lobbyUntil: null,
        blocked: false,
      },
      ...{ role: "user", historyFrom: 0, ...room },
    }));
  }

  /** The texts of all pages. @param among rooms, or who searches in all of theirs */
  async function find(
    among: SearchableRoom[] | string,
    query: Partial<SearchQuery>,
    limit = 10,
  ): Promise<string[]> {
    const texts: string[] = [];
    let below: SearchPlace | null = null;
    do {
      const scope =
        typeof among === "string" ? { member: among, rooms: null } : { member: "u:0", rooms: among };
      const page = await store().search.candidates(scope, { words: [], ...query }, below, limit);
      expect(page.events.length).toBeLessThanOrEqual(limit);
      texts.push(...page.events.map((event) => dataOf<"message">(event).text));
      below = page.next;
    } while (below !== null);
    return texts;
  }

  async function indexed(rooms: readonly Room[]): Promise<SearchableRoom[]> {
    return await vi.waitFor(
      async () => {
        const found = await searchable(rooms);
        expect(found.filter((room) => room.indexed < room.head)).toEqual([]);
        return found;
      },
      { timeout: 60_000, interval: 50 },
    );
  }

  /** Whether the index knows the word of this message. */
  async function knows({ id }: Room, seq: number, word: string): Promise<boolean> {
    const rows = await store().sql`
      select from message_words where conversation_id = ${id} and seq = ${seq}
        and terms @> ${neededTerms({ words: [word] })}::integer[]`;
    return rows.length > 0;
  }

  async function edit(room: StoredRoom, seq: number, text: string): Promise<void> {
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.rewriteMessage(room.id, seq, { text, edited: 5 });
      const data: EditData = { seq, text };
      await tx.appendEvents(room.id, [{ type: "message.edited", actor: room.people[0]!.actor, data }]);
    });
  }

  async function remove(room: StoredRoom, seq: number): Promise<void> {
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.eraseMessages(room.id, [seq]);
      const actor = room.people[0]!.actor;
      await tx.appendEvents(room.id, [{ type: "message.deleted", actor, data: { seq } }]);
    });
  }

  describe("the index of words", () => {
    test("finds a message at once, and as well when it is indexed", async () => {
      const [room, other] = [await createRoom(store()), await createRoom(store())];
      const author = room.people[1]!.actor.id;
      await say(store(), room, 0, { text: "Grüße aus Zürich" });
      await say(store(), room, 1, { text: "Grüße zurück" });
      for (const rooms of [await searchable([room, other]), await indexed([room, other])]) {
        expect(await find(rooms, { words: ["grusse"] })).toEqual(["Grüße zurück", "Grüße aus Zürich"]);
        expect(await find(rooms, { words: ["grusse", "zurich"] })).toEqual(["Grüße aus Zürich"]);
        expect(await find(rooms, { words: ["grusse"], from: author })).toEqual(["Grüße zurück"]);
        expect(
          await find(
            rooms.filter(({ rules }) => rules.id === other.id),
            { words: ["grusse"] },
          ),
        ).toEqual([]);
      }
    });

    test("loses the words of a text with the edit or deletion that takes it away", async () => {
      const room = await createRoom(store());
      const [first, second] = [
        await say(store(), room, 0, { text: "before" }),
        await say(store(), room, 0, { text: "before" }),
      ];
      await indexed([room]);
      expect(await knows(room, first, "before")).toBe(true);
      await edit(room, first, "after");
      expect(await knows(room, first, "before")).toBe(false);
      expect(await find(await searchable([room]), { words: ["after"] })).toEqual(["after"]);
      await remove(room, second);
      expect(await knows(room, second, "before")).toBe(false);
      expect(await find(await searchable([room]), { words: ["before"] })).toEqual([]);
      const rooms = await indexed([room]);
      expect(await find(rooms, { words: ["after"] })).toEqual(["after"]);
      expect(await find(rooms, { words: ["before"] })).toEqual([]);
    });

    test("keeps to what a member sees, also of messages that were edited later", async () => {
      const room = await createRoom(store());
      const hidden = await say(store(), room, 0, { text: "hello, early" });
      const last = await say(store(), room, 0, { text: "hello, late" });
      await indexed([room]);
      await edit(room, hidden, "hello, edited");
      for (const [one] of [await searchable([room]), await indexed([room])]) {
        const late = { ...one!, historyFrom: last - 1 };
        expect(await find([late], { words: ["hello"] })).toEqual(["hello, late"]);
        expect(await find([late], { words: ["hello", "edited"] })).toEqual([]);
      }
    });

    test("passes over events that are no messages", async () => {
      const room = await createRoom(store());
      const actor = room.people[0]!.actor;
      const joins = Array.from({ length: 3_000 }, () => ({ type: "room.changed", actor, data: {} }) as const);
      await say(store(), room, 0, { text: "word before" });
      for (let n = 0; n < 2; n++) {
        await store().transaction(async (tx) => {
          await tx.lockRooms([room.id]);
          await tx.appendEvents(room.id, joins);
        });
      }
      const edited = await say(store(), room, 0, { text: "word behind" });
      for (let n = 0; n < 300; n++) await edit(room, edited, `word edited ${n}`);
      await say(store(), room, 1, { text: "word last" });
      const rooms = await indexed([room]);
      expect(await find(rooms, { words: ["word"] })).toEqual(["word last", "word edited 299", "word before"]);
      expect(await knows(room, edited, "299")).toBe(true);
      expect(await knows(room, edited, "behind")).toBe(false);
    });

    test("forgets a deleted room with its log", async () => {
      const room = await createRoom(store());
      await say(store(), room, 0, { text: "of a room that goes" });
      await indexed([room]);
      await store().transaction(async (tx) => {
        await tx.lockRooms([room.id]);
        await tx.deleteRoom(room.id);
      });
      while (await purgeStep({ transaction: store().sql.begin }, -60_000));
      for (const table of ["message_words", "word_heads"]) {
        const rows = await store()
          .sql`select from ${store().sql.unsafe(table)} where conversation_id = ${room.id}`;
        expect(rows.length, table).toBe(0);
      }
    });
  });

  describe.each([
    { rooms: 3, messages: 900, how: "one by one", named: true },
    { rooms: 5, messages: 2_500, how: "by the terms of their rooms", named: true },
    { rooms: 20, messages: 2_500, how: "by the words in these rooms", named: true },
    { rooms: 150, messages: 2_000, how: "by the words alone", named: false },
  ])("$messages messages of $rooms rooms, $how", ({ rooms, messages, named }) => {
    interface Written {
      room: number;
      seq: number;
      at: number;
      text: string;
    }

    /** Half of them over a hundred days, the others within ten seconds. Every message has `each`, some have `third` and `rare`. */
    function written(first: number): Written[] {
      const now = Date.now();
      const half = messages / 2;
      return Array.from({ length: messages }, (_, n) => {
        const before =
          n < half ? 10_000 + ((half - n) * 100 * 86_400_000) / half : (messages - n) * (10_000 / half);
        const words = ["each", n % 3 === 0 && "third", n % 101 === 0 && "rare", `n${n}`].filter(Boolean);
        return {
          room: first + (n % rooms),
          seq: Math.floor(n / rooms) + 1,
          at: Math.floor(now - before),
          text: words.join(" "),
        };
      });
    }

    async function fill(all: readonly Written[], reader: string): Promise<void> {
      const { sql } = store();
      await sql`
        with k as (
          select * from unnest(${all.map(({ room }) => room)}::bigint[], ${all.map(({ seq }) => seq)}::bigint[],
            ${all.map(({ at }) => at)}::bigint[],
            ${all.map(({ text }) => JSON.stringify({ text }))}::text[]) as k (room, seq, at, data)
        ), joined as (
          insert into memberships (conversation_id, member, name, role, joined_seq, history_from, read_seq, read_messages)
          select distinct room, ${reader}, 'Reader', 'guest', 0, 0, 0, 0 from k
        ), logged as (
          insert into events (conversation_id, seq, message_no, at, type, actor, actor_name, data)
          select room, seq, seq, at, 'message', case seq % 2 when 0 then 'u:1' else 'g:two' end, 'Ada', data from k
        )
        insert into room_heads (conversation_id, token, head_seq, message_count, last_activity, last_message_seq)
        select room, 'search-' || room, max(seq), max(seq), max(at), max(seq) from k group by room`;
    }

    test("come in the order of time, each once, whatever is asked for", { timeout: 120_000 }, async () => {
      const first = nextRoom;
      nextRoom += rooms;
      const all = written(first);
      const reader = `g:${first}`;
      await fill(all, reader);
      const found = await indexed(Array.from({ length: rooms }, (_, n) => ({ id: first + n })));
      const among = named ? found : reader;
      const middle = all[messages / 4]!.at;
      const within = { after: middle, before: all[(messages * 3) / 4]!.at };
      const sorted = [...all].sort((a, b) => b.at - a.at || b.room - a.room || b.seq - a.seq);
      const expected = (which: (message: Written) => boolean) => sorted.filter(which).map(({ text }) => text);
      const has = (word: string) => (message: Written) => message.text.split(" ").includes(word);
      const isWithin = ({ at }: Written) => at > within.after && at < within.before;

      expect(await find(among, { words: ["each"] }, 99)).toEqual(expected(() => true));
      expect(await find(among, { words: ["third", "each"] }, 100)).toEqual(expected(has("third")));
      expect(await find(among, { words: ["rare"] }, 3)).toEqual(expected(has("rare")));
      expect(await find(among, { words: ["n17"] })).toEqual(["each n17"]);
      expect(await find(among, { words: ["absent"] })).toEqual([]);
      expect(await find(among, { words: ["third"], ...within }, 90)).toEqual(
        expected((message) => has("third")(message) && isWithin(message)),
      );
      expect(await find(among, { from: "two", words: ["rare"] }, 2)).toEqual(
        expected((message) => has("rare")(message) && message.seq % 2 === 1),
      );
    });
  });
}
