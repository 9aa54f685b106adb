/** [GW-15.4] to [GW-15.6] The frame `room`: a room became the user's, or its entry is another now. */
import { describe, expect, test } from "vitest";
import type { RoomEntry } from "../../../src/protocol/frames.ts";
import { describeWith } from "../../services/need.ts";
import { newRoom } from "../../store/fixtures.ts";
import { type Node, type Person, person, places, type Room, room, say, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

const isRoom = (frame: Frame) => frame.op === "room";
const isEnd = (frame: Frame) => frame.op === "event" && frame.id === "the end";

describeWith("postgres", "the frame room", ({ postgres }) => {
  const { node, raw } = site(postgres.url);

  async function people<Names extends string[]>(one: Node, ...names: Names) {
    const made: Person[] = [];
    for (const name of names) made.push(await person(one, name));
    return made as { [Index in keyof Names]: Person };
  }

  async function connect(one: Node, { token }: Person, more?: object): Promise<RawClient> {
    const client = await raw(one);
    await client.hello(token, more);
    return client;
  }

  async function entryFrom(client: RawClient): Promise<RoomEntry> {
    const { rev, room: entry } = (await client.next(isRoom)) as unknown as { rev: number; room: RoomEntry };
    expect(rev).toBe(entry.rev);
    return entry;
  }

  /** Frames `room` that come before a message of the person, which is sent now. */
  async function roomFramesUntilNow(one: Node, client: RawClient, by: Person, { token }: Room) {
    await one.useCases.messages.send(by.actor, token, { id: "the end", text: "End" });
    const frames: Frame[] = [];
    for (let frame = await client.next(); !isEnd(frame); frame = await client.next()) frames.push(frame);
    return frames.filter(isRoom);
  }

  describe.each(places(node).slice(0, 2))("%s", (_, nodes) => {
    test("[GW-15.4] comes to who is added to a room, with the whole entry", async () => {
      const { here, there } = await nodes();
      const [ada, bob] = await people(here, "Ada", "Bob");
      const client = await connect(here, bob);
      const { token } = await room(there, [ada, bob], "Team");
      const entry = await entryFrom(client);
      expect(entry).toMatchObject({ room: token, name: "Team", role: "user", members: 2 });
      const { rooms } = await (await raw(here)).hello(bob.token);
      expect(rooms).toEqual([entry]);
    });

    test("[GW-15.4] comes to all members when the room changes, and to who has another role", async () => {
      const { here, there } = await nodes();
      const [ada, bob] = await people(here, "Ada", "Bob");
      const home = await room(here, [ada, bob]);
      const [a, b] = [await connect(here, ada), await connect(here, bob)];
      await there.useCases.roomSettings.rename(bob.actor, home.token, "Theirs").catch(() => {});
      await there.useCases.roomSettings.rename(ada.actor, home.token, "Ours");
      const [first, second] = [await entryFrom(a), await entryFrom(b)];
      expect([first.name, first.role, second.name, second.role]).toEqual(["Ours", "owner", "Ours", "user"]);
      await there.useCases.roster.promote(ada.actor, home.token, bob.actor);
      const promoted = await entryFrom(b);
      expect(promoted).toMatchObject({ role: "moderator" });
      expect(promoted.rev).toBeGreaterThan(second.rev);
      expect(await roomFramesUntilNow(here, a, ada, home)).toEqual([]);
    });

    test("[GW-15.4] comes to the other of a one-to-one room when a user is renamed", async () => {
      const { here, there } = await nodes();
      const [ada, bob] = await people(here, "Ada", "Bob");
      const pair = await there.useCases.oneToOne.open(ada.actor, bob.actor);
      const client = await connect(here, bob);
      await there.useCases.directory.updateUser(ada.id, { displayName: "Countess" });
      expect(await entryFrom(client)).toMatchObject({
        ...{ room: pair.room.token, name: "Countess", peer: { id: String(ada.id), name: "Countess" } },
      });
    });

    test("[GW-15.4] comes to the other of a one-to-one room when a user is deleted", async () => {
      const { here, there } = await nodes();
      const [ada, cid, bob] = await people(here, "Ada", "Cid", "Bob");
      const client = await connect(here, bob);
      const { directory, oneToOne, accountDeletions, lookup } = there.useCases;
      for (const [gone, deletion] of [
        [ada, () => directory.deleteUser(ada.id)],
        [cid, async () => await deleteThemselves(cid.id)],
      ] as const) {
        const pair = await oneToOne.open(gone.actor, bob.actor);
        expect(await entryFrom(client)).toMatchObject({ room: pair.room.token, name: gone.actor.name });
        await deletion();
        const entry = await entryFrom(client);
        expect(entry).toMatchObject({ room: pair.room.token });
        expect(entry).not.toHaveProperty("peer");
      }
      async function deleteThemselves(id: number) {
        await directory.updateUser(id, { password: "a password" });
        const user = (await lookup.users([id])).get(id);
        const proof = {
          password: "a password",
          ip: "192.0.2.1",
          credential: { via: "jwt", expiresAt: 0 },
        } as const;
        if (user) await accountDeletions.delete(user, proof, { erase: false });
      }
    });
  });

  /** A server that holds back what it read for the next hello, until it is released. */
  async function holding() {
    let isHeld = false;
    let heard = () => {};
    const isAsked = new Promise<void>((resolve) => {
      heard = resolve;
    });
    let release = () => {};
    const isReleased = new Promise<void>((resolve) => {
      release = resolve;
    });
    const one = await node({
      store: (store) => ({
        ...store,
        sql: store.sql,
        roomLists: {
          ...store.roomLists,
          sessionRooms: async (...wanted) => {
            const rooms = await store.roomLists.sessionRooms(...wanted);
            if (!isHeld) return rooms;
            heard();
            await isReleased;
            return rooms;
          },
        },
      }),
    });
    /** Resolves when its list is read. */
    const hello = async (client: RawClient, { token }: Person) => {
      isHeld = true;
      const ready = client.hello(token);
      await isAsked;
      isHeld = false;
      return { ready };
    };
    return { one, hello, release };
  }

  test("[GW-15.4] comes to who joined while they said hello, and to who was promoted then", async () => {
    const { one, hello, release } = await holding();
    const [ada, bob] = await people(one, "Ada", "Bob");
    const home = await room(one, [ada, bob], "Before");
    const watcher = await connect(one, ada);
    const client = await raw(one);
    const { ready } = await hello(client, bob);
    await one.useCases.roomSettings.rename(ada.actor, home.token, "After");
    await one.useCases.memberSettings.change(bob.actor, home.token, { favourite: true });
    await watcher.next(isRoom);
    release();
    expect((await ready).rooms).toMatchObject([{ name: "Before" }]);
    for (let entry = await entryFrom(client); ; entry = await entryFrom(client)) {
      if (entry.name === "After" && entry.settings.favorite) break;
    }
  });

  test("[GW-15.4] comes to who read on by another session while they said hello, with whom they block then", async () => {
    const { one, hello, release } = await holding();
    const [ada, bob] = await people(one, "Ada", "Bob");
    const home = await room(one, [ada, bob]);
    const { seq } = await say(one, ada, home, "Hello");
    const other = await connect(one, bob);
    const client = await raw(one);
    const { ready } = await hello(client, bob);
    await other.ask({ op: "read", ref: 1, room: home.token, seq });
    other.say({ op: "block", ref: 2, user: String(ada.id) });
    await other.next(({ op }) => op === "block");
    release();
    expect((await ready).rooms).toMatchObject([{ unread: 1 }]);
    expect(await client.next(({ op }) => op === "block")).toMatchObject({ user: String(ada.id), on: true });
    expect(await entryFrom(client)).toMatchObject({ read: seq, unread: 0 });
  });

  test("[GW-15.6] in a room of many sessions tells what all have alike, once, also to who waits in the lobby", async () => {
    const one = await node();
    const [ada, bob] = await people(one, "Ada", "Bob");
    const home = await room(one, [ada, bob]);
    const sessions: RawClient[] = [];
    for (let n = 0; n < 101; n++) sessions.push(await connect(one, ada));
    const [a, b] = [sessions[0] as RawClient, await connect(one, bob)];
    const before = one.store.stats().statements;
    await one.useCases.roomSettings.setLobby(ada.actor, home.token, { on: true });
    for (const client of [a, b]) {
      const { part, room: shown } = await client.next(isRoom);
      expect(part).toBe(true);
      expect(shown).toEqual({
        ...{ room: home.token, ids: expect.any(Object), name: "Room", type: "group", members: 2 },
        ...{ readOnly: false, posting: "all", lobby: true, hasPassword: false },
      });
    }
    await one.useCases.roomSettings.rename(ada.actor, home.token, "Big");
    for (const client of [a, b]) expect(await client.next(isRoom)).toMatchObject({ room: { name: "Big" } });
    expect(one.store.stats().statements - before).toBeLessThan(40);
  });

  test("[GW-15.4] of many who are added at once costs fewer queries than they are", async () => {
    const one = await node();
    const ada = await person(one, "Ada");
    const added: Person[] = [];
    for (let n = 0; n < 60; n++) added.push(await person(one, `Person ${n}`));
    const clients = await Promise.all(added.map((each) => connect(one, each)));
    const before = one.store.stats().statements;
    await one.store.transaction(async (tx) => {
      const made = await tx.createRoom(newRoom({ name: "All" }));
      const members = [ada, ...added].map(({ id, name }) => ({
        member: `u:${id}`,
        userId: id,
        name,
        role: "user" as const,
      }));
      await tx.putMembers(made.id, members);
      await tx.appendEvents(
        made.id,
        [ada, ...added].map(({ actor }) => ({
          type: "member.joined" as const,
          actor,
          data: { member: actor, role: "user" as const },
        })),
      );
    });
    for (const client of clients) expect(await entryFrom(client)).toMatchObject({ name: "All", members: 61 });
    // Without batches each of them would cost two at least.
    expect(one.store.stats().statements - before).toBeLessThan(added.length);
  });
});
