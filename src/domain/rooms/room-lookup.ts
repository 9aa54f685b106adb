/** Finds rooms by any of their ids, and lists a member's rooms. */
import { noSuchRoom } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, memberKey, type User, userActor } from "../model.ts";
import type { ActivityPage } from "../ports/store/room-lists.ts";
import type { Finding, RecentPage, RoomName, RoomView } from "../use-cases/rooms.ts";
import type { RoomViews } from "./views.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TOKEN = /^[a-z0-9]{1,32}$/;
const PUBLIC_ID = /^[A-Za-z0-9]{16}$/;
const MAX_RECENT = 100;
const MAX_BY_UUID = 1_000;

export function createFinding({ store }: Context, views: RoomViews): Finding {
  const { rooms, roomLists, groups, users } = store;

  /** Finds a room by an id of any kind. A text that can't be an id is not looked up. */
  async function locate(actor: Actor, name: RoomName) {
    return isName(name) ? await rooms.locate(name, memberKey(actor)) : null;
  }

  /** Views of the rooms, in the order of `ids`, without rooms that the actor has left. */
  async function shown(actor: Actor, ids: readonly number[]): Promise<RoomView[]> {
    if (ids.length === 0) return [];
    const listings = await roomLists.list(memberKey(actor), ids);
    const place = new Map(ids.map((id, i) => [id, i]));
    listings.sort((a, b) => (place.get(a.room.id) as number) - (place.get(b.room.id) as number));
    return await views.show(actor, listings);
  }

  async function idsByUuid(actor: Actor, { after, limit }: { after?: string; limit: number }) {
    if (after !== undefined && !UUID.test(after)) throw badField("after", "must be a UUID");
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_BY_UUID) {
      throw badField("limit", "must be an integer from 1 to 1,000");
    }
    const found = await roomLists.idsByUuid(memberKey(actor), {
      limit: limit + 1,
      ...(after !== undefined && { after }),
    });
    return { found: found.slice(0, limit), more: found.length > limit };
  }

  async function view(actor: Actor, name: RoomName): Promise<RoomView> {
    const found = await locate(actor, name);
    const [room] = found?.membership ? await shown(actor, [found.room.id]) : [];
    if (!room) throw noSuchRoom();
    return room;
  }

  return {
    list: async (actor) => await views.show(actor, await roomLists.list(memberKey(actor))),
    view,
    locate,
    async find(actor, token) {
      if (!TOKEN.test(token)) throw noSuchRoom();
      const found = actor ? await locate(actor, { token }) : null;
      if (actor && found?.membership) return { member: true, view: await view(actor, { token }) };
      const room = found?.room ?? (await rooms.byToken(token));
      if (room?.type !== "public") throw noSuchRoom();
      return { member: false, room };
    },
    async names(actor, page) {
      const { found, more } = await idsByUuid(actor, page);
      return { rooms: found.map(({ uuid, token }) => ({ uuid, token })), more };
    },
    async page(actor, page) {
      const { found, more } =
        "uuids" in page
          ? { found: await ofUuids(actor, page.uuids), more: false }
          : await idsByUuid(actor, page);
      const ids = found.map(({ id }) => id);
      return { rooms: await shown(actor, ids), more };
    },
    async recent(actor, page) {
      const { ids, more } = await recentIds(actor, page);
      return { rooms: await shown(actor, ids), more };
    },
    async group(actor, groupId) {
      const group = /^[^\0]{1,64}$/.test(groupId) ? await groups.byId(groupId) : null;
      const visible = await users.visible(Number(actor.id), group?.members ?? []);
      // A group without any user whom the actor may see is treated as unknown.
      if (!group || visible.length === 0) {
        throw new DomainError("not_found", "There is no such group", { field: "group" });
      }
      const found = new Map((await users.byIds(visible)).map((user) => [user.id, user]));
      return {
        id: group.id,
        name: group.name,
        members: visible.map((id) => userActor(found.get(id) as User)),
      };
    },
  };

  async function ofUuids(actor: Actor, uuids: readonly string[]) {
    const possible = uuids.filter((uuid) => UUID.test(uuid));
    return possible.length === 0 ? [] : await roomLists.idsByUuid(memberKey(actor), { uuids: possible });
  }

  async function recentIds(actor: Actor, page: RecentPage): Promise<{ ids: number[]; more: boolean }> {
    const { startingAfter, endingBefore, limit, ...filters } = page;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_RECENT) {
      throw badField("limit", "must be an integer from 1 to 100");
    }
    if (startingAfter !== undefined && endingBefore !== undefined) {
      throw badField("startingAfter", "and endingBefore must not be given together");
    }
    const query: ActivityPage = { ...filters, limit: limit + 1 };
    if (startingAfter !== undefined) query.after = await placeOf(actor, "startingAfter", startingAfter);
    if (endingBefore !== undefined) query.before = await placeOf(actor, "endingBefore", endingBefore);
    const ids = await roomLists.idsByActivity(memberKey(actor), query);
    const more = ids.length > limit;
    // The extra room is at the end that is farther from the cursor.
    const kept = endingBefore === undefined ? ids.slice(0, limit) : ids.slice(-limit);
    return { ids: kept, more };
  }

  async function placeOf(actor: Actor, field: string, publicId: string) {
    const place = PUBLIC_ID.test(publicId) ? await roomLists.activityPlace(memberKey(actor), publicId) : null;
    if (!place) throw badField(field, "names no room of yours");
    return place;
  }
}

function isName(name: RoomName): boolean {
  if ("token" in name) return TOKEN.test(name.token);
  if ("uuid" in name) return UUID.test(name.uuid);
  if ("publicId" in name) return PUBLIC_ID.test(name.publicId);
  return Number.isSafeInteger(name.id);
}
