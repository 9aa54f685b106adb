/** Views of rooms for a member: the stored room, and from hot state who is present and in the call. */
import { createSessions } from "../auth/sessions.ts";
import type { Context } from "../context/context.ts";
import { type Actor, actorOf, type Membership, memberKey, peerIn, type User } from "../model.ts";
import { waitsInLobby } from "../permissions.ts";
import type { NamedRoom } from "../ports/broadcasts.ts";
import type { ActiveParticipant, CallState } from "../ports/hot.ts";
import type { RoomListing } from "../ports/store/room-lists.ts";
import type { RoomPerson, RoomView } from "../use-cases/rooms.ts";

export interface RoomViews {
  show(actor: Actor, listings: readonly RoomListing[]): Promise<RoomView[]>;
  /** All members of a room, each with the last time they were seen there, however long ago. */
  people(room: NamedRoom): Promise<RoomPerson[]>;
}

/** A session that was seen within this time counts as joined (Talk's sessions and guests). */
export const JOINED_MS = 100_000;
const ACTIVE_MS = 30_000;
const NOBODY: CallState = { flags: 0, participants: [] };

type Member = { membership: Membership; user: User | null };

export function createRoomViews(context: Context): RoomViews {
  const { store, hot, now } = context;
  const sessions = createSessions(store.secret);

  /** Reads hot state. While it is away, `otherwise` is the answer. */
  async function orElse<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    let found = otherwise;
    await context.bestEffort("Looking who is in a room", async () => {
      found = await work();
    });
    return found;
  }

  const activeIn = (id: number) => orElse([], () => hot.presence.active(id, now(), JOINED_MS));
  const callIn = (id: number) => orElse(NOBODY, () => hot.calls.get(id));

  function personOf(
    token: string,
    { membership, user }: Member,
    seen: ActiveParticipant | undefined,
    call: CallState,
  ): RoomPerson {
    const { member, name } = membership;
    const calling = call.participants.filter(({ actor }) => memberKey(actor) === member);
    const flags = new Map(calling.map((one) => [one.session, one.flags]));
    const own = (seen?.sessions ?? []).map(({ session, lastPing }) => ({
      ...{ name: session, sessionId: sessions.of(membership, token, session), lastPing },
      callFlags: flags.get(session) ?? 0,
    }));
    return {
      membership,
      user,
      actor: actorOf(member, name),
      sessions: own,
      sessionId: (own.findLast(({ callFlags }) => callFlags > 0) ?? own.at(-1))?.sessionId ?? null,
      lastPing: seen?.lastPing ?? 0,
      callFlags: calling.reduce((all, one) => all | one.flags, 0),
    };
  }

  function peopleOf(
    token: string,
    members: readonly Member[],
    active: readonly ActiveParticipant[],
    call: CallState,
  ): RoomPerson[] {
    const seen = new Map(active.map((one) => [one.member, one]));
    return members.map((one) => personOf(token, one, seen.get(one.membership.member), call));
  }

  async function membersOf(ids: readonly number[]): Promise<Map<number, Member[]>> {
    const rooms = new Map<number, Member[]>(ids.map((id) => [id, []]));
    for (const one of await store.memberships.people(ids)) rooms.get(one.membership.roomId)?.push(one);
    return rooms;
  }

  /** By id: the other users of one-to-one rooms, also those who left. */
  async function peersOf(actor: Actor, listings: readonly RoomListing[]): Promise<Map<number, User>> {
    const ids = listings.flatMap(({ room }) => peerId(room.pair, actor) ?? []);
    const users = ids.length === 0 ? [] : await store.users.byIds(ids);
    return new Map(users.map((user) => [user.id, user]));
  }

  return {
    async show(actor, listings) {
      const ids = listings.map(({ room }) => room.id);
      const key = memberKey(actor);
      const [members, peers, lastPings, active, calls] = await Promise.all([
        membersOf(ids),
        peersOf(actor, listings),
        orElse<number[]>([], () => hot.presence.lastPings(key, ids)),
        Promise.all(ids.map(activeIn)),
        Promise.all(listings.map(({ head }) => (head.callSeq === null ? NOBODY : callIn(head.roomId)))),
      ]);
      return listings.map((listing, i) => {
        const { room, membership } = listing;
        const waiting = waitsInLobby(membership, room, now());
        const here = active[i] ?? [];
        const call = calls[i] ?? NOBODY;
        const people = peopleOf(room.token, members.get(room.id) ?? [], here, call);
        const mine = people.find((one) => one.membership.member === key);
        const me = mine ?? personOf(room.token, { membership, user: null }, undefined, call);
        const peer = peerId(room.pair, actor);
        return {
          ...listing,
          me: { ...me, lastPing: lastPings[i] ?? 0 },
          people: waiting ? [me] : people,
          peer: (peer !== null && peers.get(peer)) || null,
          active: here.filter(({ lastPing }) => lastPing > now() - ACTIVE_MS).length,
          activeGuests: here.filter(({ guest }) => guest).length,
          call: waiting ? NOBODY : call,
          waiting,
        };
      });
    },
    async people({ id, token }) {
      const [members, active, call] = await Promise.all([
        store.memberships.people([id]),
        activeIn(id),
        callIn(id),
      ]);
      const people = peopleOf(token, members, active, call);
      const away = people.filter(({ lastPing }) => lastPing === 0);
      const pings = await orElse<number[][]>([], () =>
        Promise.all(away.map((one) => hot.presence.lastPings(one.membership.member, [id]))),
      );
      away.forEach((one, i) => {
        one.lastPing = pings[i]?.[0] ?? 0;
      });
      return people;
    },
  };
}

/** Id of the other user in `pair`; null when there is none. */
function peerId(pair: string | null, actor: Actor): number | null {
  const peer = pair === null ? "" : peerIn(pair, memberKey(actor));
  return peer.startsWith("u:") ? Number(peer.slice(2)) : null;
}
