/** Personal access tokens of users and API tokens of organizations: shown once, revocable at any time. */

import { hashSecret, newSecret } from "../auth/secrets.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { checkFuture, checkName } from "../text-rules.ts";
import type { Directory } from "../use-cases/accounts.ts";
import { noSuchOrganization } from "./organizations.ts";

export function createTokens(context: Context): Pick<Directory, "createToken" | "deleteToken"> {
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
      if (!token) throw new DomainError("not_found", "There is no such token", { field: "id" });
      if (token.userId !== null) context.broadcasts.userChanged(token.userId);
    },
  };

  async function exists(organizationId: number): Promise<boolean> {
    if (!Number.isSafeInteger(organizationId)) return false;
    return (await store.organizations.byId(organizationId)) !== null;
  }
}
