/** Blocking by the id of a user, whatever the two are to each other. What it does is the rule of connections. */
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import { numberOfId } from "../ids.ts";
import { type Actor, isUser, type User } from "../model.ts";
import type { Blocking, Connections } from "../use-cases/people.ts";

export function createBlocking({ store }: Context, connections: Pick<Connections, "update">): Blocking {
  async function userNamed(id: string): Promise<User> {
    const number = numberOfId(id);
    const user = number > 0 ? await store.users.byId(number) : null;
    if (!user) throw noSuchUser();
    return user;
  }

  async function isBlocked(actor: Actor, user: User): Promise<boolean> {
    return (await store.people.connection(idOf(actor), user.id))?.status === "blocked";
  }

  return {
    async block(actor, id) {
      const user = await userNamed(id);
      if (isUser(actor, user.id))
        throw new DomainError("bad_request", "user must be somebody else", { field: "user" });
      return (await connections.update(actor, user.uuid, "blocked").catch(asUnknown)).changed;
    },
    async unblock(actor, id) {
      const user = await userNamed(id);
      // To accept what is not blocked would answer a request of the other's.
      if (!(await isBlocked(actor, user))) return false;
      return (await connections.update(actor, user.uuid, "accepted")).changed;
    },
    blocked: async (actor) => await store.people.blocked(idOf(actor)),
  };
}

/** Somebody whom the actor may not know does not exist for them. */
function asUnknown(error: unknown): never {
  throw error instanceof DomainError && error.code === "not_found" ? noSuchUser() : error;
}

function noSuchUser(): DomainError {
  return new DomainError("not_found", "There is no such user", { field: "user" });
}

function idOf(actor: Actor): number {
  if (actor.kind !== "user") throw new DomainError("forbidden", "Only users block users");
  return Number(actor.id);
}
