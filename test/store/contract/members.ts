/** A member's rooms and own settings, guests, and what is kept of pairs and of rooms that are gone. */
import { describe, expect, test } from "vitest";
import { pairOf } from "../../../src/domain/model.ts";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import { createPerson, createRoom, join, newRoom, type Person, type StoredRoom } from "../fixtures.ts";

export function memberRoomContract(store: () => Store): void {
  describe("a member's rooms", () => {
    async function threeRooms(): Promise<{ person: Person; rooms: StoredRoom[] }> {
      const person = await createPerson(store());
      const rooms: StoredRoom[] = [];
      for (let i = 0; i < 3; i++) {
        const room = await createRoom(store());
        await store().transaction(async (tx) => {
          await tx.lockRooms([room.id]);
          await join(tx, room.id, [person]);
        });
        rooms.push(room);
      }
      return { person, rooms };
    }

    test("are found by each name, with the membership or without", async () => {
      const { person, rooms } = await threeRooms();
      const { room, token, id } = rooms[0]!;
      const { uuid, publicId } = room;
      for (const name of [{ token }, { uuid }, { publicId }, { id }]) {
        const found = await store().rooms.locate(name, person.key);
        expect(found).toMatchObject({ room, membership: { member: person.key } });
        expect(await store().rooms.locate(name, "u:0")).toEqual({ room, membership: null });
      }
      expect(await store().rooms.locate({ token: "nosuchro" }, person.key)).toBeNull();
    });

    test("have an order by UUID and one by activity, and pages in both", async () => {
      const { person, rooms } = await threeRooms();
      const uuids = rooms.map(({ room }) => room.uuid).sort();
      const byUuid = async (page: Parameters<Store["roomLists"]["idsByUuid"]>[1]) =>
        (await store().roomLists.idsByUuid(person.key, page)).map(({ uuid }) => uuid);
      expect(await byUuid({ limit: 2 })).toEqual(uuids.slice(0, 2));
      expect(await byUuid({ limit: 5, after: uuids[0]! })).toEqual(uuids.slice(1));
      expect(await byUuid({ uuids: [uuids[2]!] })).toEqual([uuids[2]]);
      const [a, b, c] = rooms.map(({ id }) => id) as [number, number, number];
      const { idsByActivity, activityPlace, list } = store().roomLists;
      expect(await idsByActivity(person.key, { limit: 2 })).toEqual([c, b]);
      const place = (await activityPlace(person.key, rooms[1]!.room.publicId))!;
      expect(await idsByActivity(person.key, { limit: 5, after: place })).toEqual([a]);
      expect(await idsByActivity(person.key, { limit: 5, before: place })).toEqual([c]);
      expect(await idsByActivity(person.key, { limit: 5, types: ["public"] })).toEqual([]);
      const some = await list(person.key, [c, a]);
      expect(some.map(({ room }) => room.id)).toEqual([c, a]);
      expect(await activityPlace("u:0", rooms[1]!.room.publicId)).toBeNull();
    });

    test("leave their place behind when they are deleted", async () => {
      const { person, rooms } = await threeRooms();
      const [a, b, c] = rooms as [StoredRoom, StoredRoom, StoredRoom];
      await store().transaction(async (tx) => {
        await tx.lockRooms([b.id]);
        await tx.appendEvents(b.id, [{ type: "room.deleted", actor: person.actor, data: {} }]);
        await tx.deleteRoom(b.id);
      });
      const { idsByActivity, activityPlace } = store().roomLists;
      const place = (await activityPlace(person.key, b.room.publicId))!;
      expect(await idsByActivity(person.key, { limit: 5, after: place })).toEqual([a.id]);
      expect(await idsByActivity(person.key, { limit: 5, before: place })).toEqual([c.id]);
      expect(await activityPlace("u:0", b.room.publicId)).toBeNull();
    });

    test("people come with their accounts, guests without", async () => {
      const { person, rooms } = await threeRooms();
      const [room] = rooms as [StoredRoom];
      const guest = { member: "g:abc", userId: null, name: "", role: "guest" as const, guestSeed: "seed" };
      await store().transaction(async (tx) => {
        await tx.lockRooms([room.id]);
        await tx.putMembers(room.id, [guest]);
        expect(await tx.countMembers(room.id)).toEqual({ members: 4, guests: 1 });
      });
      const people = await store().memberships.people([room.id]);
      expect(people.map(({ user }) => user?.id)).toEqual([
        ...room.people.map(({ id }) => id),
        person.id,
        undefined,
      ]);
      expect(people.at(-1)!.membership).toMatchObject({ member: "g:abc", guestSeed: "seed" });
      const all: string[] = [];
      for (let page = await store().memberships.guests({ after: null, limit: 1 }); page.length > 0; ) {
        all.push(`${page[0]!.roomId} ${page[0]!.member}`);
        page = await store().memberships.guests({ after: page[0]!, limit: 1 });
      }
      expect(all).toContain(`${room.id} g:abc`);
      expect(new Set(all).size).toBe(all.length);
    });

    test("members come in pages, in order of joining, and by what their names hold", async () => {
      const room = await createRoom(store());
      const guest = {
        member: "g:abc",
        userId: null,
        name: "Anna Élan",
        role: "guest" as const,
        guestSeed: "s",
      };
      await store().transaction(async (tx) => {
        await tx.lockRooms([room.id]);
        await tx.putMembers(room.id, [guest]);
      });
      const { page } = store().memberships;
      const all = await store().memberships.people([room.id]);
      expect(await page(room.id, { after: null, limit: 10 })).toEqual(all);
      const walked: typeof all = [];
      for (let last = null; walked.length < all.length; last = walked.at(-1)!.membership) {
        const found = await page(room.id, { after: last, limit: 2 });
        expect(found.length).toBe(Math.min(2, all.length - walked.length));
        walked.push(...found);
      }
      expect(walked).toEqual(all);
      expect(await page(room.id, { after: walked.at(-1)!.membership, limit: 2 })).toEqual([]);

      const named = async (query: string) =>
        (await page(room.id, { after: null, limit: 10, query })).map(({ membership }) => membership.member);
      expect(await named("NNA É")).toEqual(["g:abc"]);
      const { user, membership } = all[0]!;
      expect(await named(user!.handle.toUpperCase())).toEqual([membership.member]);
      expect(await named("%")).toEqual([]);
    });

    test("how a stay in a room ended is known of those who were in it", async () => {
      const [room, stranger] = [await createRoom(store()), await createPerson(store())];
      const { departure } = store().roomLists;
      const [first, second] = room.people as [Person, Person];
      expect(await departure(first.key, room.token)).toBeNull();
      await store().transaction(async (tx) => {
        await tx.lockRooms([room.id]);
        await tx.removeMembers(room.id, [first.key]);
        await tx.appendEvents(room.id, [
          { type: "member.left", actor: first.actor, data: { member: first.actor, role: "user" } },
        ]);
      });
      expect(await departure(first.key, room.token)).toBe("left");
      await store().transaction(async (tx) => {
        await tx.lockRooms([room.id]);
        await tx.appendEvents(room.id, [{ type: "room.deleted", actor: second.actor, data: {} }]);
        await tx.deleteRoom(room.id);
      });
      expect(await departure(first.key, room.token)).toBe("left");
      expect(await departure(second.key, room.token)).toBe("deleted");
      expect(await departure(stranger.key, room.token)).toBeNull();
      expect(await departure(second.key, "nosuchro")).toBeNull();
    });

    test("settings of one's own change alone, and leave the room's access version", async () => {
      const { person, rooms } = await threeRooms();
      const { id } = rooms[0]!;
      const [before] = await store().log.heads([id]);
      const { update } = store().memberships;
      const patch = { favourite: true, mutedStatus: 2, archivedRef: "x", hidden: true, name: "Other" };
      expect(await update(id, person.key, patch)).toMatchObject(patch);
      expect(await update(id, person.key, {})).toMatchObject(patch);
      expect(await update(id, "u:0", patch)).toBeNull();
      expect(await store().log.heads([id])).toEqual([before]);
    });

    test("a pair has one room, whichever is named first, and both know when one of them left it", async () => {
      const [a, b] = [await createPerson(store()), await createPerson(store())];
      const make = () =>
        store().transaction(async (tx) => {
          const existing = await tx.oneToOne(b.key, a.key);
          if (existing !== null) return existing;
          const pair = pairOf(a.key, b.key);
          const { id } = await tx.createRoom(newRoom({ type: "one_to_one", pair }));
          await join(tx, id, [a, b]);
          return id;
        });
      const ids = await Promise.all([make(), make(), make()]);
      expect(new Set(ids).size).toBe(1);
      const { token } = (await store().rooms.byId(ids[0]!))!;
      const peerLeft = async () => (await store().rooms.access(token, a.key))!.peerLeft;
      expect(await peerLeft()).toBe(false);
      await store().transaction(async (tx) => {
        await tx.lockRooms([ids[0]!]);
        await tx.removeMembers(ids[0]!, [b.key]);
      });
      expect(await peerLeft()).toBe(true);
      expect(await store().transaction((tx) => tx.oneToOne(a.key, b.key))).toBe(ids[0]);
    });

    test("lobbies that open by themselves are found when they are due", async () => {
      const [room, other] = [await createRoom(store()), await createRoom(store())];
      await store().transaction(async (tx) => {
        await tx.lockRooms([room.id, other.id]);
        await tx.updateRoom(room.id, { lobby: true, lobbyUntil: 5 });
        await tx.updateRoom(other.id, { lobby: false, lobbyUntil: 5 });
      });
      expect((await store().rooms.dueLobbies(4, 100)).map(({ id }) => id)).not.toContain(room.id);
      const due = (await store().rooms.dueLobbies(5, 100)).map(({ id }) => id);
      expect(due).toContain(room.id);
      expect(due).not.toContain(other.id);
    });

    test("the secret is long and of this database", () => {
      expect(store().secret).toMatch(/^[0-9a-f]{64}$/);
      expect(store().secret).not.toContain(store().epoch.replaceAll("-", ""));
    });
  });
}
