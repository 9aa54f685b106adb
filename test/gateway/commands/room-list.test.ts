/** [GW-15.3], [GW-15.5], [GW-15.7] The list of rooms in pages, and a member's own settings. */
import { expect, test } from "vitest";
import type { RoomEntry } from "../../../src/protocol/frames.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, room, say, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const isRoom = (frame: Frame) => frame.op === "room";
const isAnswerOrRoom = (frame: Frame) => frame.op === "room" || frame.op === "ok";
const tokens = (rooms: unknown) => (rooms as RoomEntry[]).map((each) => each.room);

describeWith("postgres", "the list of rooms", ({ postgres }) => {
  const { node, raw } = site(postgres.url);

  /** Rooms of the people, the last active first. */
  async function rooms(one: Node, people: Person[], count: number) {
    const made = [];
    for (let n = 0; n < count; n++) made.unshift(await room(one, people, `Room ${n}`));
    return made;
  }

  async function begin(one: Node, { token }: Person, more?: object): Promise<[RawClient, Frame]> {
    const client = await raw(one);
    return [client, await client.hello(token, more)];
  }

  test("[GW-15.7] comes in pages, in the order of ready", async () => {
    const one = await node();
    const ada = await person(one, "Ada");
    const made = await rooms(one, [ada], 5);
    const [client, ready] = await begin(one, ada, { rooms: { limit: 2 } });
    expect(ready.more).toBe(true);
    const seen = tokens(ready.rooms);
    for (;;) {
      const page = await client.ask({ op: "rooms", ref: 1, after: seen.at(-1), limit: 2 });
      seen.push(...tokens(page.rooms));
      if (!page.more) break;
    }
    expect(seen).toEqual(made.map(({ token }) => token));
    const [, whole] = await begin(one, ada);
    expect(whole).not.toHaveProperty("more");
    expect(await client.ask({ op: "rooms", ref: 2, limit: 100 })).toMatchObject({ rooms: whole.rooms });
    const [, all] = await begin(one, ada, { rooms: { limit: 5 } });
    expect(all).not.toHaveProperty("more");
  });

  test("[GW-15.7] may hold only what is archived, or not", async () => {
    const one = await node();
    const ada = await person(one, "Ada");
    const [newest, middle, oldest] = await rooms(one, [ada], 3);
    const [client] = await begin(one, ada, { rooms: { limit: 1 } });
    await client.ask({ op: "settings", ref: 1, room: middle?.token, archived: true });
    const kept = await client.ask({ op: "rooms", ref: 2, archived: false });
    expect(tokens(kept.rooms)).toEqual([newest?.token, oldest?.token]);
    const archived = await client.ask({ op: "rooms", ref: 3, archived: true });
    expect(tokens(archived.rooms)).toEqual([middle?.token]);
  });

  test("[GW-15.7] a room beyond the page delivers, is written to, read and resumed, and tells who is let in", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const [, beyond] = await rooms(one, [ada, bob], 2);
    const far = beyond as { id: number; token: string };
    const [client, ready] = await begin(one, bob, { rooms: { limit: 1 } });
    expect(tokens(ready.rooms)).not.toContain(far.token);
    const { seq } = await say(one, ada, far, "Hello");
    expect(await client.next(({ op }) => op === "event")).toMatchObject({ room: far.token, seq });
    const sent = await client.ask({ op: "send", ref: 1, room: far.token, id: "mine", text: "Hello, Ada" });
    expect(sent).toMatchObject({ op: "ok", seq: seq + 1 });
    await rooms(one, [ada, bob], 1);
    const resume = { epoch: ready.epoch, rooms: { [far.token]: { seq: sent.seq, at: sent.at } } };
    await say(one, ada, far, "Missed");
    await rooms(one, [ada, bob], 1);
    const [again, resumed] = await begin(one, bob, { rooms: { limit: 1 }, resume });
    expect(tokens(resumed.rooms)).not.toContain(far.token);
    expect(resumed.resumed).toEqual([{ room: far.token, recovered: true, from: seq + 2, head: seq + 2 }]);
    expect(await again.next(({ op }) => op === "event")).toMatchObject({ data: { text: "Missed" } });

    await one.useCases.roomSettings.setLobby(ada.actor, far.token, { on: true });
    await rooms(one, [ada, bob], 1);
    const [waiter] = await begin(one, bob, { rooms: { limit: 1 } });
    await one.useCases.roomSettings.setLobby(ada.actor, far.token, { on: false });
    expect(await waiter.next(({ op }) => op === "unread")).toMatchObject({ room: far.token, unread: 1 });
  });

  test("[GW-15.7] names what is wrong with a page, and the session goes on", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const [theirs] = await rooms(one, [bob], 1);
    const [client] = await begin(one, ada);
    for (const [frame, refused] of [
      [{ limit: 0 }, { code: "bad_request", field: "limit" }],
      [{ limit: 501 }, { code: "bad_request", field: "limit" }],
      [{ archived: "yes" }, { code: "bad_request", field: "archived" }],
      [{ after: "nowhere" }, { code: "not_found", field: "after" }],
      [{ after: "a\u0000b" }, { code: "not_found", field: "after" }],
      [{ after: theirs?.token }, { code: "not_found", field: "after" }],
    ] as const) {
      expect(await client.ask({ op: "rooms", ref: 1, ...frame })).toMatchObject({ op: "error", ...refused });
    }
    expect(await client.ask({ op: "rooms", ref: 2 })).toMatchObject({ op: "ok", rooms: [] });
  });

  test("[GW-15.5] settings reach all sessions of the user, and nobody else, with a rev that grows", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const [home] = await rooms(one, [ada, bob], 1);
    const token = home?.token as string;
    const [[a, ready], [b], [others]] = [await begin(one, ada), await begin(one, ada), await begin(one, bob)];
    let rev = (ready.rooms as RoomEntry[])[0]?.rev ?? 0;
    const set = async (settings: object, shown: object) => {
      a.say({ op: "settings", ref: 1, room: token, ...settings });
      // In either order.
      const heard = [await a.next(isAnswerOrRoom), await a.next(isAnswerOrRoom), await b.next(isRoom)];
      for (const frame of heard) expect(frame).toMatchObject({ room: { room: token, settings: shown } });
      expect(heard.map(({ op }) => op).sort()).toEqual(["ok", "room", "room"]);
      const revs = heard.map(({ room: entry }) => (entry as RoomEntry).rev);
      expect(new Set(revs).size).toBe(1);
      expect(revs[0]).toBeGreaterThan(rev);
      rev = revs[0] as number;
    };
    const until = Date.now() + 3_600_000;
    await set({ muted: true }, { muted: true });
    await set({ mutedUntil: until }, { muted: true, mutedUntil: until });
    await set({ muted: false }, { muted: false });
    await set(
      { pinned: true, archived: true, favorite: true },
      { pinned: true, archived: true, favorite: true },
    );
    for (const notify of ["all", "none", "mentions"]) await set({ notify }, { notify });
    // What is so already changes nothing.
    const again = await a.ask({ op: "settings", ref: 2, room: token, pinned: true, notify: "mentions" });
    expect((again.room as RoomEntry).rev).toBe(rev);
    await others.ask({ op: "ping", ref: 3 });
    expect(others.pending().filter(isRoom)).toEqual([]);
    const found = await one.useCases.memberSettings.get(ada.actor, token);
    expect(found).toMatchObject({ favourite: true, notificationLevel: "mention", mutedStatus: 0 });
  });

  test("[GW-15.3] a room that was muted for a time is not any more when it is over, on every face", async () => {
    const one = await node();
    const ada = await person(one, "Ada");
    const [home] = await rooms(one, [ada], 1);
    const token = home?.token as string;
    const [client] = await begin(one, ada);
    const mutedUntil = one.useCases.clock.now() + 300;
    await client.ask({ op: "settings", ref: 1, room: token, mutedUntil });
    while (one.useCases.clock.now() <= mutedUntil) await client.ask({ op: "ping", ref: 2 });
    await one.useCases.memberSettings.sweep();
    const isOver = ({ op, room: entry }: Frame) => op === "room" && !(entry as RoomEntry).settings.muted;
    expect((await client.next(isOver)).room).not.toHaveProperty("settings.mutedUntil");
    expect(await one.useCases.memberSettings.get(ada.actor, token)).toMatchObject({
      ...{ muted: false, mutedStatus: 0, mutedUntil: null },
    });
  });

  test("[GW-15.5] settings that break a rule are refused by name, and change nothing", async () => {
    const one = await node();
    const [ada, bob] = [await person(one, "Ada"), await person(one, "Bob")];
    const [[mine], [theirs]] = [await rooms(one, [ada], 1), await rooms(one, [bob], 1)];
    const [client] = await begin(one, ada);
    for (const [frame, refused] of [
      [{ muted: "yes" }, { code: "bad_request", field: "muted" }],
      [{ mutedUntil: 1 }, { code: "bad_request", field: "mutedUntil" }],
      [
        { muted: false, mutedUntil: 4_000_000_000_000 },
        { code: "bad_request", field: "mutedUntil" },
      ],
      [{ notify: "default" }, { code: "bad_request", field: "notify" }],
      [{ colour: "red" }, { code: "bad_request", field: "colour" }],
      [{ room: theirs?.token, muted: true }, { code: "not_found" }],
    ] as const) {
      const answer = await client.ask({ op: "settings", ref: 1, room: mine?.token, ...frame });
      expect(answer).toMatchObject({ op: "error", ...refused });
    }
    expect(client.pending().filter(isRoom)).toEqual([]);
  });
});
