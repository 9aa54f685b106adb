/** The users whom JWTs of outside issuers name. They are made when they are named for the first time. */
import type { Context } from "../context/context.ts";
import type { JwtIssuer } from "../context/issuers.ts";
import { DomainError } from "../errors.ts";
import type { User } from "../model.ts";
import { checkName } from "../text-rules.ts";
import type { UserDirectory } from "../use-cases/directory.ts";
import type { JwtClaims } from "./jwt.ts";
import { isOver } from "./revoked.ts";

/** @throws DomainError `unauthorized` with the reason */
export type JwtUsers = (claims: JwtClaims) => Promise<{ user: User; version: number; blocked: number[] }>;

/**
 * The user with the handle in a JWT; made when nobody has or had it. When a user with this handle was deleted, tokens that
 * were issued before are refused: neither the deleted user nor the present owner of the handle signs in with them.
 */
export function createJwtUsers(context: Context, directory: Pick<UserDirectory, "createUser">): JwtUsers {
  const { store, logger } = context;

  async function makeUser({ issuer, handle, name }: JwtClaims): Promise<void> {
    const organizations = issuer.organizations?.slice(0, 1).map((id) => ({ id, role: "member" as const }));
    try {
      await directory.createUser({
        handle,
        displayName: displayNameOf(handle, name),
        ...(organizations && { organizations }),
      });
      logger.info(
        { event: "user.provisioned", handle },
        "made a user for the first token of an outside issuer",
      );
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.field === "organizations")
        throw new DomainError("unauthorized", "The organization of the token's issuer does not exist");
      // Another request has just made the same user.
      if (error.code !== "conflict") throw error;
    }
  }

  async function named({ handle, issuedAt }: JwtClaims) {
    const found = await store.logins.userForJwt(handle);
    if (found.deletedAt !== null && (issuedAt === null || issuedAt <= found.deletedAt)) {
      throw new DomainError("unauthorized", "The token was issued to a user who was deleted since");
    }
    if (isOver(issuedAt, found.loginsEndedAt)) {
      throw new DomainError("unauthorized", "All logins of the user were ended since the token was issued");
    }
    return found;
  }

  return async (claims) => {
    const found = await named(claims);
    if (!found.user) await makeUser(claims);
    const { user, version, blocked, organizations } = found.user ? found : await named(claims);
    if (!user) throw new DomainError("unauthorized", "The user was deleted");
    checkIsTheirs(user, claims);
    checkSpeaksFor(claims.issuer, user, organizations);
    return { user, version, blocked };
  };
}

/**
 * Subjects of an issuer are case-sensitive (RFC 7519, section 4.1.2), but handles are not. So a subject signs in only if it
 * is spelled exactly like the user's handle.
 */
function checkIsTheirs(user: User, { handle }: JwtClaims): void {
  if (user.handle === handle) return;
  throw new DomainError("unauthorized", "The token's sub differs in case from the handle of another user");
}

/** @throws DomainError `unauthorized` for users of whom the issuer may not speak */
function checkSpeaksFor(issuer: JwtIssuer, user: User, organizations: readonly number[]): void {
  if (user.administrator && !issuer.administrators)
    throw new DomainError("unauthorized", "JWTs of this issuer sign no administrators in");
  if (!issuer.organizations) return;
  const its = new Set(issuer.organizations);
  if (organizations.length > 0 && organizations.every((id) => its.has(id))) return;
  throw new DomainError("unauthorized", "The token's issuer does not speak for this user");
}

function displayNameOf(handle: string, name: string | null): string {
  try {
    return checkName("name", name ?? handle);
  } catch {
    return handle; // The issuer's name for the user breaks our rules; the handle never does.
  }
}
