/** One's own profile, other people, and whom one blocks [GW-17.1 to GW-17.4], and one's organizations [GW-17.15]. */
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { ClientFrames } from "../../protocol/frames.ts";
import type { UserShape } from "../frames/user.ts";
import type { Handlers } from "./handlers.ts";

export type PeopleCommands = Handlers<
  "profile" | "users" | "block" | "unblock" | "blocked" | "organizations"
>;

export function createPeopleCommands(
  { ownProfile, people, blocking, lookup }: Pick<UseCases, "ownProfile" | "people" | "blocking" | "lookup">,
  shape: UserShape,
): PeopleCommands {
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
