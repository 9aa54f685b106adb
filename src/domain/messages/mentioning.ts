/** Resolves mentions in texts to actors, and lists who can be mentioned in a room. */
import type { Context } from "../context/context.ts";
import { checkLimit } from "../cursors.ts";
import {
  type Actor,
  actorOf,
  MENTION_ALL,
  type Membership,
  memberKey,
  type User,
  userKey,
} from "../model.ts";
import type { MentionCandidate, Mentions, TextPart } from "../use-cases/messages.ts";
import { mentionedIds, takeApart } from "./mentions.ts";

const GUEST = "guest/";
const UNNAMED_GUEST = "Guest";
const MAX_CANDIDATES = 200;
/** Ids that are looked up for one page of texts. Mentions beyond stay text. */
const MAX_IDS = 1_000;

type Mention = Exclude<TextPart, { kind: "text" }>;

export function createMentions({ store, accesses }: Context): Mentions {
  /** Users with these handles, in the room and elsewhere. */
  async function usersNamed(roomId: number, handles: readonly string[]) {
    const named = handles.length === 0 ? [] : await store.people.users({ handles });
    if (named.length === 0) return { here: [], elsewhere: [] };
    const keys = named.map(({ id }) => userKey(id));
    const members = new Set((await store.messages.membersNamed(roomId, keys)).map(({ member }) => member));
    const isHere = ({ id }: User) => members.has(userKey(id));
    return { here: named.filter(isHere), elsewhere: named.filter((user) => !isHere(user)) };
  }

  /** Those of them who exist for the actor. */
  async function visibleTo(actor: Actor, users: readonly User[]): Promise<User[]> {
    if (actor.kind !== "user" || users.length === 0) return [];
    const ids = users.map(({ id }) => id);
    const visible = new Set(await store.users.visible(Number(actor.id), ids));
    return users.filter(({ id }) => visible.has(id));
  }

  /** Splits texts of a room into parts. `elsewhere` filters the mentioned users who are not members. */
  async function parts(
    roomId: number,
    texts: readonly string[],
    elsewhere: (users: readonly User[]) => Promise<User[] | null>,
  ): Promise<TextPart[][] | null> {
    const ids = mentionedIds(texts).slice(0, MAX_IDS);
    const guestKeys = ids.filter(isGuest).map((id) => `g:${id.slice(GUEST.length)}`);
    const [named, guests] = await Promise.all([
      usersNamed(
        roomId,
        ids.filter((id) => !isGuest(id)),
      ),
      guestKeys.length === 0 ? [] : store.messages.membersNamed(roomId, guestKeys),
    ]);
    const others = await elsewhere(named.elsewhere);
    if (!others) return null;
    const users = new Map([...named.here, ...others].map((user) => [user.handle.toLowerCase(), user]));
    const guestById = new Map(guests.map(({ member, name }) => [member.slice(2), actorOf(member, name)]));
    const resolve = (id: string, source: string): Mention | null => {
      if (id === MENTION_ALL) return { kind: "all", source };
      const guest = isGuest(id) ? guestById.get(id.slice(GUEST.length)) : undefined;
      if (guest) return { kind: "guest", source, guest };
      const user = users.get(id.toLowerCase());
      return user ? { kind: "user", source, user } : null;
    };
    return texts.map((text) => takeApart(text, resolve));
  }

  async function everybodyIn(roomId: number): Promise<MentionCandidate[]> {
    const room = await store.rooms.byId(roomId);
    return room ? [{ kind: "all", id: MENTION_ALL, label: room.name }] : [];
  }

  return {
    async parse(actor, room, texts) {
      const { roomId } = await accesses.require(actor, room, "read");
      return (await parts(roomId, texts, (users) => visibleTo(actor, users))) ?? [];
    },
    parseForAll: (roomId, texts) => parts(roomId, texts, async (users) => (users.length === 0 ? [] : null)),
    idsOf(all) {
      return [...new Set(all.flatMap(idOf))];
    },
    async candidates(actor, room, { search, limit }) {
      checkLimit(limit, MAX_CANDIDATES);
      // Suggestions are for people who may write.
      const { roomId, rules } = await accesses.require(actor, room, "send");
      const people = await store.memberships.people([roomId]);
      const others = people.filter(({ membership }) => membership.member !== memberKey(actor));
      const everybody = rules.type === "one_to_one" ? [] : await everybodyIn(roomId);
      const users = others.flatMap(userCandidate);
      const guests = others.flatMap(guestCandidate);
      const wanted = search.toLowerCase();
      const matches = ({ id, label }: MentionCandidate) =>
        [id, label].some((text) => text.toLowerCase().includes(wanted));
      const guestMatches = ({ label }: MentionCandidate) => label.toLowerCase().includes(wanted);
      const found = [...users.filter(matches), ...guests.filter(guestMatches)];
      return [...everybody.filter(matches), ...found.slice(0, limit)];
    },
  };
}

/**
 * The mentions that remain after an edit by a face that does not name mentions: ids of actors, or "all". A mention is
 * removed when the old text contained its name, handle or id and the new text does not.
 */
export async function leftMentioned(
  { store }: Context,
  roomId: number,
  ids: readonly string[],
  { before, after }: { before: string; after: string },
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const keys = ids.flatMap((id) => [`u:${id}`, `g:${id}`, `m:${id}`]);
  const members = await store.messages.membersNamed(roomId, keys);
  const users = members.flatMap(({ member }) => (member.startsWith("u:") ? Number(member.slice(2)) : []));
  const accounts = users.length === 0 ? [] : await store.users.byIds(users);
  const names = new Map(ids.map((id) => [id, [`@${id}`]]));
  for (const { member, name } of members) if (name !== "") names.get(member.slice(2))?.push(name);
  for (const { id, handle } of accounts) names.get(String(id))?.push(`@${handle}`);
  const isNamed = (id: string, text: string) =>
    (names.get(id) ?? []).some((name) => text.toLowerCase().includes(name.toLowerCase()));
  return new Set(ids.filter((id) => isNamed(id, after) || !isNamed(id, before)));
}

function isGuest(id: string): boolean {
  return id.startsWith(GUEST);
}

function idOf(part: TextPart): string[] {
  switch (part.kind) {
    case "text":
      return [];
    case "all":
      return [MENTION_ALL];
    case "user":
      return [String(part.user.id)];
    case "guest":
      return [part.guest.id];
  }
}

interface Person {
  membership: Membership;
  user: User | null;
}

function userCandidate({ user }: Person): MentionCandidate[] {
  return user ? [{ kind: "user", id: user.handle, label: user.displayName }] : [];
}

function guestCandidate({ membership }: Person): MentionCandidate[] {
  const { kind, id } = actorOf(membership.member, membership.name);
  if (kind !== "guest") return [];
  return [{ kind: "guest", id: `${GUEST}${id}`, label: membership.name || UNNAMED_GUEST }];
}
