/** One's own profile, other people, and whom one blocks [GW-17.1 to GW-17.4], one's organizations [GW-17.15], contact book and connections. */
import type { Contact } from "../../domain/model.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { ClientFrames, WireContact } from "../../protocol/frames.ts";
import type { UserShape } from "../frames/user.ts";
import { type Handlers, withFields } from "./handlers.ts";

export type PeopleCommands = Handlers<
  | ("profile" | "users" | "block" | "unblock" | "blocked" | "organizations")
  | ("contacts" | "contact.set" | "contact.remove")
  | ("connections" | "connection.ask" | "connection.set")
>;

export function createPeopleCommands(
  {
    ownProfile,
    people,
    blocking,
    contacts,
    connections,
    lookup,
    matrixRequests,
  }: Pick<
    UseCases,
    "ownProfile" | "people" | "blocking" | "contacts" | "connections" | "lookup" | "matrixRequests"
  >,
  shape: UserShape,
): PeopleCommands {
  const entry = ({ user, displayName, room, lastActiveAt }: Contact): WireContact => ({
    user: shape.user(user, lastActiveAt),
    ...(displayName !== null && { name: displayName }),
    ...(room && { room: room.token }),
  });
  /** [GW-16.19] Ids of people of Matrix begin with `@`. */
  const blockingOf = (user: string) => (user.startsWith("@") ? matrixRequests : blocking);
  return {
    async profile({ identity }, frame) {
      const { user, changed } = await ownProfile.change(identity.actor, profileOf(frame));
      return { user: shape.self(user), ...(!changed && { duplicate: true }) };
    },
    async users({ identity }, { query, ids, limit }) {
      const found = await people.find(identity.actor, {
        ...(query !== undefined && { query }),
        ...(ids !== undefined && { ids }),
        limit,
      });
      return { users: found.map(({ user, lastSeen }) => shape.user(user, lastSeen)) };
    },
    block: async ({ identity }, { user }) => once(await blockingOf(user).block(identity.actor, user)),
    unblock: async ({ identity }, { user }) => once(await blockingOf(user).unblock(identity.actor, user)),
    async blocked({ identity }) {
      const users = (await blocking.blocked(identity.actor)).map((user) => shape.user(user));
      const matrix = await matrixRequests.blocked(identity.actor);
      return { users, ...(matrix.length > 0 && { matrix }) };
    },
    // [GW-17.16]
    async contacts({ identity }, { after, limit }) {
      const page = await withFields({ startingAfter: "after" }, () =>
        contacts.list(identity.actor, { limit, ...(after !== undefined && { startingAfter: after }) }),
      );
      const last = page.contacts.at(-1);
      return {
        contacts: page.contacts.map(entry),
        ...(page.more && last && { next: last.user.publicId }),
      };
    },
    // [GW-17.17]
    async "contact.set"({ identity }, { user, name }) {
      const { contact, changed } = await withFields({ displayName: "name" }, () =>
        contacts.set(identity.actor, user, name),
      );
      return { contact: entry(contact), ...once(changed) };
    },
    "contact.remove": async ({ identity }, { user }) => once(await contacts.remove(identity.actor, user)),
    // [GW-17.18]
    async connections({ identity }, { after, limit }) {
      const page = await connections.list(identity.actor, { limit, ...(after !== undefined && { after }) });
      const last = page.connections.at(-1);
      return {
        connections: page.connections.map(shape.connection),
        ...(page.more && last && { next: last.to.uuid }),
      };
    },
    // [GW-17.19]
    async "connection.ask"({ identity }, { user, message }) {
      const asked = await connections.connect(identity.actor, user, { message: message ?? null });
      return { connection: shape.connection(asked.connection), ...once(asked.changed) };
    },
    // [GW-17.20]
    async "connection.set"({ identity }, { user, status }) {
      const { connection, changed } = await connections.update(identity.actor, user, status);
      return { connection: shape.connection(connection), ...once(changed) };
    },
    async organizations({ identity }) {
      const found = await lookup.organizationsOf(identity.user);
      return { organizations: found.map(({ id, uuid, name }) => ({ id: String(id), uuid, name })) };
    },
  };
}

function once(changed: boolean): { duplicate?: true } {
  return changed ? {} : { duplicate: true };
}

function profileOf({ name, avatar, status, privacy = {} }: ClientFrames["profile"]) {
  const { receipts, lastSeen } = privacy;
  return {
    ...(name !== undefined && { name }),
    ...(avatar !== undefined && { avatar }),
    ...(status !== undefined && { status }),
    privacy: { ...(receipts !== undefined && { receipts }), ...(lastSeen !== undefined && { lastSeen }) },
  };
}
