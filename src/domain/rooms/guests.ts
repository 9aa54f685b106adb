/** Guests: identified by a secret in their browser, with a name of their choice. A sweep removes those who are away. */

import { newSecret } from "../auth/secrets.ts";
import { createSessions, guestIdOf } from "../auth/sessions.ts";
import type { Context } from "../context/context.ts";
import { HEARTBEAT_GRACE_MS, isHotStateNew } from "../context/hot-age.ts";
import { DomainError } from "../errors.ts";
import { type Actor, type MemberKey, type Membership, memberKey } from "../model.ts";
import { checkVisible, checkWellFormed, codePoints } from "../text-rules.ts";
import type { Guests } from "../use-cases/participants.ts";
import { type Departure, removePeople } from "./members.ts";
import { JOINED_MS } from "./views.ts";

const NAME_CODE_POINTS = 64;
/** Guests of one query. */
const PAGE = 500;

export function createGuests(
  context: Context,
  departed: (gone: readonly Departure[]) => Promise<void>,
): Guests {
  const { store, hot, accesses, now } = context;
  const sessions = createSessions(store.secret);
  /** By guest: when a sweep first found the guest missing, ms. */
  let missedSince = new Map<string, number>();

  /** The guests of a room who were missing for long enough. Adds those who are missing now to `missed`. */
  async function missing(guests: readonly Membership[], missed: Map<string, number>): Promise<MemberKey[]> {
    const roomId = (guests[0] as Membership).roomId;
    const active = await hot.presence.active(roomId, now(), JOINED_MS);
    const here = new Set(active.map(({ member }) => member));
    return guests.flatMap(({ member }) => {
      if (here.has(member)) return [];
      const key = `${roomId} ${member}`;
      const since = missedSince.get(key) ?? now();
      missed.set(key, since);
      return now() - since >= HEARTBEAT_GRACE_MS ? [member] : [];
    });
  }

  async function remove(roomId: number, keys: readonly MemberKey[]): Promise<void> {
    const gone = await store.transaction(async (tx) => {
      const [room] = await tx.lockRooms([roomId]);
      return room ? await removePeople(tx, null, room, keys) : [];
    });
    await departed(gone);
  }

  return {
    newSecret: () => newSecret("guest"),
    idOf: guestIdOf,
    async actorOf(secret, token) {
      const { id } = sessions.guest(secret, token);
      const actor: Actor = { kind: "guest", id, name: "" };
      const known = /^[a-z0-9]{1,32}$/.test(token) && (await store.rooms.access(token, memberKey(actor)));
      return known ? { ...actor, name: known.membership.name } : actor;
    },
    async setName(actor, token, name) {
      const { roomId } = await accesses.member(actor, token);
      if (actor.kind !== "guest") throw new DomainError("forbidden", "Users are called as their account is");
      const trimmed = name.trim();
      if (codePoints(trimmed) > NAME_CODE_POINTS) {
        throw new DomainError("bad_request", "displayName must be at most 64 characters long", {
          field: "displayName",
        });
      }
      checkWellFormed("displayName", trimmed);
      if (trimmed !== "") checkVisible("displayName", trimmed);
      await store.memberships.update(roomId, memberKey(actor), { name: trimmed });
    },
    async sweep() {
      const missed = new Map<string, number>();
      if (await isHotStateNew(context)) {
        missedSince = missed;
        return;
      }
      let after: Membership | null = null;
      for (let page = await store.memberships.guests({ after, limit: PAGE }); page.length > 0; ) {
        for (const guests of byRoom(page)) {
          const away = await missing(guests, missed);
          if (away.length > 0) await remove((guests[0] as Membership).roomId, away);
        }
        after = page.at(-1) as Membership;
        page = page.length < PAGE ? [] : await store.memberships.guests({ after, limit: PAGE });
      }
      missedSince = missed;
    },
  };
}

function byRoom(guests: readonly Membership[]): Membership[][] {
  const rooms = new Map<number, Membership[]>();
  for (const guest of guests) {
    const room = rooms.get(guest.roomId);
    if (room) room.push(guest);
    else rooms.set(guest.roomId, [guest]);
  }
  return [...rooms.values()];
}
