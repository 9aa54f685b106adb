/** One's own profile, other people, and whom one blocks [GW-17.1 to GW-17.4], one's organizations [GW-17.15] and contact book. */
import type { Contact } from "../../domain/model.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { ClientFrames, WireContact } from "../../protocol/frames.ts";
import type { UserShape } from "../frames/user.ts";
import { type Handlers, withFields } from "./handlers.ts";

export type PeopleCommands = Handlers<
  | ("profile" | "users" | "block" | "unblock" | "blocked" | "organizations")
  | ("contacts" | "contact.set" | "contact.remove")
>;

export function createPeopleCommands(
  {
    ownProfile,
    people,
    blocking,
    contacts,
    lookup,
  }: Pick<UseCases, "ownProfile" | "people" | "blocking" | "contacts" | "lookup">,
  shape: UserShape,
): PeopleCommands {
  const entry = ({ user, displayName, room, lastActiveAt }: Contact): WireContact => ({
    user: shape.user(user, lastActiveAt),
    ...(displayName !== null && { name: displayName }),
    ...(room && { room: room.token }),
  });
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
    block: async ({ identity }, { user }) => once(await blocking.block(identity.actor, user)),
    unblock: async ({ identity }, { user }) => once(await blocking.unblock(identity.actor, user)),
    async blocked({ identity }) {
      return { users: (await blocking.blocked(identity.actor)).map((user) => shape.user(user)) };
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
