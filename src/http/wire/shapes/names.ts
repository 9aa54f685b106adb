/** Looks up UUIDs, and tokens of rooms, for the domain's int64 ids. They never change, so they are cached. */
import { LRUCache } from "lru-cache";
import { type Actor, actorOf, type MemberKey, type RoomNames } from "../../../domain/model.ts";
import type { Lookup } from "../../../domain/use-cases/lookup.ts";
import { NIL_UUID } from "./kinds.ts";

const REMEMBERED = 50_000;

export interface Wanted {
  users?: Iterable<Pick<Actor, "kind" | "id">>;
  rooms?: Iterable<number>;
  organizations?: Iterable<number | null>;
}

/** The names that were looked up. */
export interface Known {
  /** The actor's UUID; the nil UUID for actors without an account. */
  person(actor: Pick<Actor, "kind" | "id">): string;
  /** Null when the room was deleted long ago. */
  room(id: number): RoomNames | null;
  organization(id: number | null): string | null;
}

export type Names = (wanted: Wanted) => Promise<Known>;

export function createNames(lookup: Pick<Lookup, "uuids" | "roomNames">): Names {
  const users = remembered((ids) => lookup.uuids("users", ids));
  const rooms = remembered((ids) => lookup.roomNames(ids));
  const organizations = remembered((ids) => lookup.uuids("organizations", ids));
  return async (wanted) => {
    const [people, places, teams] = await Promise.all([
      users([...(wanted.users ?? [])].flatMap(userId)),
      rooms([...(wanted.rooms ?? [])]),
      organizations([...(wanted.organizations ?? [])].filter((id) => id !== null)),
    ]);
    return {
      person: ({ kind, id }) => (kind === "user" ? people.get(Number(id)) : undefined) ?? NIL_UUID,
      room: (id) => places.get(id) ?? null,
      organization: (id) => (id === null ? null : (teams.get(id) ?? null)),
    };
  };
}

/** The maker of a room as an actor. */
export function creatorOf(createdBy: MemberKey): Pick<Actor, "kind" | "id"> {
  return actorOf(createdBy, "");
}

function userId({ kind, id }: Pick<Actor, "kind" | "id">): number[] {
  return kind === "user" ? [Number(id)] : [];
}

function remembered<Name extends string | RoomNames>(
  lookUp: (ids: readonly number[]) => Promise<Map<number, Name>>,
) {
  const cache = new LRUCache<number, Name>({ max: REMEMBERED });
  return async (ids: readonly number[]): Promise<Map<number, Name>> => {
    const found = new Map<number, Name>();
    const unknown = new Set<number>();
    for (const id of ids) {
      const name = cache.get(id);
      if (name === undefined) unknown.add(id);
      else found.set(id, name);
    }
    if (unknown.size === 0) return found;
    for (const [id, name] of await lookUp([...unknown])) {
      cache.set(id, name);
      found.set(id, name);
    }
    return found;
  };
}
