/** Searching messages: what is found, where in the text, and for whom. */
import { randomUUID } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { DomainError } from "../../../src/domain/errors.ts";
import { dataOf } from "../../../src/domain/event-data.ts";
import { type Actor, type MemberKey, memberKey, type Role, type Room } from "../../../src/domain/model.ts";
import { PERMISSIONS } from "../../../src/domain/permissions.ts";
import type { SearchInput } from "../../../src/domain/use-cases/search.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { memoryFiles } from "../../attachments/memory.ts";
import { describeDomain, guest, message, type Person, refused, type World } from "../world.ts";

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489", "hex");
const ROLES = Object.keys(PERMISSIONS) as Role[];

async function say(world: World, { actor }: Pick<Person, "actor">, room: Room, text: string, more = {}) {
  return (await world.useCases.messages.send(actor, room.token, message(text, more))).seq;
}

/** A word that no other test says. */
function newWord(): string {
  return `w${randomUUID().replaceAll("-", "")}`;
}

describeDomain("search", (world) => {
  const search = (actor: Actor, text: string, more: Partial<SearchInput> = {}) =>
    world.useCases.search.messages(actor, { text, limit: 20, ...more });

  async function find(actor: Actor, text: string, more: Partial<SearchInput> = {}): Promise<string[]> {
    const { hits } = await search(actor, text, more);
    return hits.map(({ event }) => dataOf<"message">(event).text);
  }

  async function indexed({ id }: Pick<Room, "id">): Promise<void> {
    await vi.waitFor(
      async () => {
        const [row] = await world.store.sql<[{ left: number }?]>`
          select h.head_seq - w.seq as left from room_heads h join word_heads w using (conversation_id)
          where conversation_id = ${id}`;
        expect(row?.left).toBe(0);
      },
      { timeout: 20_000 },
    );
  }

  async function take(room: number, member: MemberKey): Promise<void> {
    await world.store.transaction(async (tx) => {
      await tx.lockRooms([room]);
      await tx.removeMembers(room, [member]);
    });
  }

  async function pair() {
    const [ada, bob] = [await world.person("Ada"), await world.person("Bob")];
    return { ada, bob, room: await world.group([ada, bob]) };
  }

  test("finds messages that have all words, whatever their case and accents, in all rooms, newest first", async () => {
    const { ada, bob, room } = await pair();
    const other = await world.group([ada]);
    await say(world, ada, room, "Der Zug nach Zürich fährt ab");
    await say(world, bob, room, "ZUG? nach Bern");
    await say(world, ada, other, "zug, zurich");
    const all = ["zug, zurich", "ZUG? nach Bern", "Der Zug nach Zürich fährt ab"];
    expect(await find(ada.actor, "Zug")).toEqual(all);
    expect(await find(ada.actor, "zürich zug")).toEqual([all[0], all[2]]);
    expect(await find(ada.actor, "zug", { room: room.token })).toEqual(all.slice(1));
    expect(await find(bob.actor, "zug")).toEqual(all.slice(1));
    expect(await find(ada.actor, "zu")).toEqual([]);
  });

  test("says where the words are, in UTF-16 code units of the text", async () => {
    const { ada, room } = await pair();
    await say(world, ada, room, "😀 Café, cafe\u0301 und 東京都。京都");
    const places = async (text: string) => {
      const [hit] = (await search(ada.actor, text, { room: room.token })).hits;
      const words = hit ? dataOf<"message">(hit.event).text : "";
      return hit?.highlights.map(([start, length]) => [start, words.slice(start, start + length)]);
    };
    expect(await places("cafe")).toEqual([
      [3, "Café"],
      [9, "cafe\u0301"],
    ]);
    expect(await places("京都")).toEqual([
      [20, "京都"],
      [23, "京都"],
    ]);
    expect(await places("京 東京")).toEqual([
      [19, "東京"],
      [23, "京"],
    ]);
    expect(await places("東都")).toBe(undefined);
  });

  test("finds what it is asked for by author, time, files and links", async () => {
    const { ada, bob, room } = await pair();
    const files = memoryFiles();
    const cases = world.another({ files });
    const word = newWord();
    const upload = (filename: string, bytes: Uint8Array) =>
      cases.attachments.upload(ada.actor, { filename, content: new Blob([bytes]).stream() });
    const [image, note] = [await upload("a.png", PNG), await upload("a.txt", Buffer.from("text"))];
    await say(world, bob, room, `${word} see HTTPS://example.org/x`);
    await cases.messages.send(ada.actor, room.token, message(`${word} note`, { attachments: [note.id] }));
    await cases.messages.send(ada.actor, room.token, message(`${word} image`, { attachments: [image.id] }));
    for (const wait of [async () => {}, () => indexed(room)]) {
      await wait();
      const ask = async (more: Partial<SearchInput>) =>
        (await find(ada.actor, word, more)).map((text) => text.split(" ")[1]);
      expect(await ask({ has: "link" })).toEqual(["see"]);
      expect(await ask({ has: "file" })).toEqual(["image", "note"]);
      expect(await ask({ has: "image" })).toEqual(["image"]);
      expect(await ask({ from: bob.actor.id })).toEqual(["see"]);
      expect(await ask({ from: "nobody" })).toEqual([]);
      const [middle] = (await search(ada.actor, `${word} note`)).hits;
      const { at } = middle!.event;
      expect(await ask({ after: at - 1, before: at + 1 })).toContain("note");
      expect(await ask({ before: at })).not.toContain("note");
      expect(await ask({ after: at })).not.toContain("note");
      expect(await find(ada.actor, "", { has: "image", room: room.token })).toEqual([`${word} image`]);
    }
  });

  test("loses at once what is edited away, deleted or expired, and finds what it was edited to", async () => {
    const { ada, room } = await pair();
    const [edited, deleted, expired] = [newWord(), newWord(), newWord()];
    const first = await say(world, ada, room, edited);
    const second = await say(world, ada, room, deleted);
    const third = await say(world, ada, room, expired);
    await indexed(room);
    const { messages, timeline } = world.useCases;
    await messages.edit(ada.actor, room.token, first, { text: "something else" });
    expect(await find(ada.actor, edited)).toEqual([]);
    expect(await find(ada.actor, "else", { room: room.token })).toEqual(["something else"]);
    await messages.remove(ada.actor, room.token, second);
    expect(await find(ada.actor, deleted)).toEqual([]);
    await world.store.sql`
      insert into message_expiries (conversation_id, seq, expires_at) values (${room.id}, ${third}, 1)`;
    await timeline.sweep(world.clock.now);
    expect(await find(ada.actor, expired)).toEqual([]);
    await indexed(room);
    expect(await find(ada.actor, "else", { room: room.token })).toEqual(["something else"]);
    expect(await find(ada.actor, `${edited}`)).toEqual([]);
  });

  test("pages are stable while messages come in and go", async () => {
    const { ada, room } = await pair();
    const word = newWord();
    const seqs: number[] = [];
    for (let n = 0; n < 9; n++) seqs.push(await say(world, ada, room, `${word} ${n}`));
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = await search(ada.actor, word, { limit: 4, cursor });
      pages.push(page.hits.map(({ event }) => dataOf<"message">(event).text.split(" ")[1] as string));
      cursor = page.cursor ?? undefined;
      await say(world, ada, room, `${word} later`);
      await world.useCases.messages.remove(ada.actor, room.token, seqs.pop() as number);
    } while (cursor !== undefined);
    expect(pages).toEqual([["8", "7", "6", "5"], ["4", "3", "2", "1"], ["0"]]);
  });

  test.each([
    ["text", { text: "x".repeat(201) }],
    ["text", { text: "…" }],
    ["limit", { limit: 0 }],
    ["limit", { limit: 101 }],
    ["cursor", { cursor: "nonsense" }],
    ["cursor", { cursor: Buffer.from("1 2").toString("base64url") }],
  ])("refuses %s %j", async (field, input) => {
    const { ada } = await pair();
    await refused(search(ada.actor, "word", input), "bad_request", field);
  });

  test("lets one person have a few searches under way, [GW-14.7]", async () => {
    const { ada, bob } = await pair();
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => search(ada.actor, "word")));
    const refusals = all.flatMap((result) => (result.status === "rejected" ? [result.reason.code] : []));
    expect(refusals).toEqual(Array(20 - LIMITS.SEARCHES_UNDER_WAY).fill("busy"));
    await search(ada.actor, "word");
    await search(bob.actor, "word");
  });

  test("in more rooms than can be named finds the same, and keeps to what may be read", async () => {
    const { ada, bob, room } = await pair();
    const [word, late] = [newWord(), newWord()];
    await say(world, bob, room, `${word} open`);
    const [closed, early, left] = [
      await world.group([bob, ada]),
      await world.group([bob]),
      await world.group([bob, ada]),
    ];
    for (const each of [closed, early, left]) await say(world, bob, each, `${word} not for Ada`);
    await world.store.sql`update conversations set lobby = true where id = ${closed.id}`;
    const join = (rooms: readonly number[]) =>
      world.store.transaction(async (tx) => {
        await tx.lockRooms([...rooms]);
        const member = { member: memberKey(ada.actor), userId: ada.id, name: "Ada", role: "user" as const };
        for (const id of rooms) await tx.putMembers(id, [member]);
      });
    await join([early.id]);
    await take(left.id, memberKey(ada.actor));
    const many: number[] = [];
    for (let n = 0; n < 130; n++) many.push((await world.group([bob])).id);
    await join(many);
    expect(await world.store.search.rooms(memberKey(ada.actor))).toBe(null);
    expect(await find(ada.actor, word)).toEqual([`${word} open`]);
    for (const each of [room, closed, early, left]) await indexed(each);
    expect(await find(ada.actor, word)).toEqual([`${word} open`]);
    expect(await find(bob.actor, word)).toHaveLength(4);
    await say(world, bob, room, late);
    expect(await find(ada.actor, late)).toEqual([late]);
  });

  describe("says yes exactly where history does", () => {
    const WORD = newWord();

    /** How a room can be, and what the database says of it then. */
    const STATES = {
      open: { type: "public", read_only: false, lobby: false, lobby_until: null, blocked: false },
      locked: { type: "public", read_only: true, lobby: false, lobby_until: null, blocked: false },
      lobby: { type: "public", read_only: false, lobby: true, lobby_until: null, blocked: false },
      "lobby that opened": { type: "public", read_only: false, lobby: true, lobby_until: 1, blocked: false },
      "one-to-one": { type: "one_to_one", read_only: false, lobby: false, lobby_until: null, blocked: false },
      blocked: { type: "one_to_one", read_only: false, lobby: false, lobby_until: null, blocked: true },
    };

    const STANDINGS = ["never in it", "from the start", "since the second", "left", "back again"] as const;

    async function put(room: number, actor: Actor, role: Role): Promise<void> {
      const userId = actor.kind === "user" ? Number(actor.id) : null;
      await world.store.transaction(async (tx) => {
        await tx.lockRooms([room]);
        await tx.putMembers(room, [{ member: memberKey(actor), userId, name: actor.name, role }]);
        await tx.appendEvents(room, [{ type: "member.joined", actor, data: { member: actor, role } }]);
      });
    }

    /** What the actor is told: seqs of messages with the word, or why not. */
    async function told(ask: () => Promise<number[]>): Promise<number[] | string> {
      return await ask().catch((error: unknown) => {
        if (error instanceof DomainError) return error.code;
        throw error;
      });
    }

    test.each(Object.keys(STATES) as (keyof typeof STATES)[])("in a room that is %s", async (state) => {
      const owner = await world.person("Owner");
      for (const history of ["joined", "shared"] as const) {
        const made = await world.group([owner]);
        await world.store.sql`update conversations set history = ${history} where id = ${made.id}`;
        const people = await Promise.all(
          STANDINGS.flatMap((standing) =>
            ROLES.map(async (role) => {
              const { actor } = role.startsWith("guest") ? { actor: guest() } : await world.person();
              return { standing, role, actor };
            }),
          ),
        );
        const those = (...which: (typeof STANDINGS)[number][]) =>
          people.filter(({ standing }) => which.includes(standing));
        for (const { actor, role } of those("from the start", "left", "back again"))
          await put(made.id, actor, role);
        await say(world, owner, made, `${WORD} first`);
        for (const { actor } of those("left", "back again")) await take(made.id, memberKey(actor));
        await say(world, owner, made, `${WORD} second`);
        for (const { actor, role } of those("since the second", "back again"))
          await put(made.id, actor, role);
        await say(world, owner, made, `${WORD} third`);
        await world.store
          .sql`update conversations set ${world.store.sql(STATES[state])} where id = ${made.id}`;
        const answers: Record<string, unknown> = {};
        const expected: Record<string, unknown> = {};
        for (const { standing, role, actor } of people) {
          const name = `${standing} as ${role}, history ${history}`;
          const visible = await told(async () => {
            const { events } = await world.useCases.messages.history(actor, made.token, { limit: 200 });
            return events.flatMap(({ type, seq }) => (type === "message" ? [seq] : [])).reverse();
          });
          const seqs = async (room?: string) =>
            (await search(actor, WORD, { room })).hits.map(({ event }) => event.seq);
          expected[name] = { here: visible, anywhere: typeof visible === "string" ? [] : visible };
          answers[name] = { here: await told(() => seqs(made.token)), anywhere: await told(() => seqs()) };
        }
        expect(answers).toEqual(expected);
      }
    });
  });
});
