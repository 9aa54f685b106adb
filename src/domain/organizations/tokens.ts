/** Personal access tokens of users and API tokens of organizations: shown once, revocable at any time. */

import { hashSecret, newSecret } from "../auth/secrets.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { checkFuture, checkName } from "../text-rules.ts";
import type { TokenDirectory } from "../use-cases/directory.ts";
import { noSuchOrganization } from "./organizations.ts";

export function createTokens(context: Context): TokenDirectory {
  const { store, now } = context;
  return {
    async createToken({ userId = null, organizationId = null, name, expiresAt = null }) {
      if ((userId === null) === (organizationId === null)) {
        throw badField("userId", "or organizationId must be given, and not both");
      }
      const trimmed = checkName("name", name);
      if (expiresAt !== null) checkFuture("expiresAt", expiresAt, now());
      if (organizationId !== null && !(await exists(organizationId))) throw noSuchOrganization();
      const token = newSecret(userId === null ? "organization" : "personal");
      const hash = hashSecret(token);
      const { id } = await store.tokens.create({
        userId,
        organizationId,
        name: trimmed,
        expiresAt,
        hash,
      });
      return { id, token, expiresAt };
    },
    async deleteToken(id) {
      const token = Number.isSafeInteger(id) ? await store.tokens.delete(id) : null;
      if (!token) throw noSuchToken();
      if (token.userId !== null) context.broadcasts.userChanged(token.userId);
    },
    async token(id) {
      const [found] = await store.tokens.list({ limit: 1, after: id - 1 });
      if (found?.id !== id) throw noSuchToken();
      return found;
    },
    tokens: (page) => store.tokens.list(page),
  };

  async function exists(organizationId: number): Promise<boolean> {
    if (!Number.isSafeInteger(organizationId)) return false;
    return (await store.organizations.byId(organizationId)) !== null;
  }
}

function noSuchToken(): DomainError {
  return new DomainError("not_found", "There is no such token", { field: "id" });
}
