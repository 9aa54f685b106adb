/** Finds the principal of a request: by access token, personal access token, API token, JWT, or name and password. */
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import type { Principal, User } from "../model.ts";
import { checkName } from "../text-rules.ts";
import type { Accounts } from "../use-cases/accounts.ts";
import { createJwtVerifier, type JwtClaims, looksLikeJwt } from "./jwt.ts";
import type { PasswordCheck } from "./password-check.ts";
import { isOver } from "./revoked.ts";
import { hashSecret, hexHash, isSecret } from "./secrets.ts";

type Authenticated = Principal & { version: number };

/** Each check costs one query (and for access tokens a look-up in hot state). Nothing is cached, so revocation is immediate. */
export function createAuthentication(
  context: Context,
  checkPassword: PasswordCheck,
): Pick<Accounts, "authenticate" | "authenticateBasic"> {
  const { store, hot, settings, now } = context;
  const verifyJwt = settings.jwt && createJwtVerifier(settings.jwt, now);
  const mayAdminister = settings.jwt?.administrators === true;

  async function byAccessToken(token: string): Promise<Authenticated | null> {
    const entry = await hot.tokens.get(hexHash(token));
    // The login is checked too: hot state may have missed a logout, and after a restore of the database the id may belong
    // to another login.
    const found = entry && (await store.logins.userOf(entry.loginId));
    if (!entry || found?.hash !== entry.loginHash) return null;
    const { loginId, expiresAt } = entry;
    const credential = { via: "session", loginId, expiresAt } as const;
    return { kind: "user", user: found.user, credential, version: found.version };
  }

  async function byApiToken(token: string): Promise<Authenticated | null> {
    const found = await store.tokens.byHash(hashSecret(token));
    if (!found) return null;
    const { id: tokenId, expiresAt } = found.token;
    const { version } = found;
    if (found.organization) {
      return { kind: "organization", organization: found.organization, tokenId, version };
    }
    return { kind: "user", user: found.user, credential: { via: "token", tokenId, expiresAt }, version };
  }

  async function byJwt(token: string): Promise<Authenticated | null> {
    if (!verifyJwt) return null;
    const claims = await verifyJwt(token);
    const { user, version } = await userOfClaims(context, claims);
    checkIsTheirs(user, claims);
    if (user.administrator && !mayAdminister)
      throw new DomainError(
        "unauthorized",
        "JWTs sign no administrators in unless AUTH_ADMINISTRATORS is true",
      );
    const { expiresAt, issuedAt } = claims;
    return { kind: "user", user, credential: { via: "jwt", expiresAt, issuedAt }, version };
  }

  async function principalOf(token: string): Promise<Authenticated | null> {
    if (isSecret("access", token)) return await byAccessToken(token);
    if (isSecret("personal", token) || isSecret("organization", token)) return await byApiToken(token);
    return looksLikeJwt(token) ? await byJwt(token) : null;
  }

  return {
    async authenticate(token) {
      const principal = await principalOf(token);
      if (principal) return principal;
      throw new DomainError("unauthorized", "The token is unknown, expired or revoked; sign in again");
    },
    async authenticateBasic(login, password, ip) {
      const checkedAt = now();
      const { user, version } = await checkPassword(login, password, ip);
      return { kind: "user", user, credential: { via: "password", checkedAt }, version };
    },
  };
}

/**
 * The user with the handle in a JWT; made when nobody has or had it. When a user with this handle was deleted, tokens that
 * were issued before are refused: neither the deleted user nor the present owner of the handle signs in with them.
 */
async function userOfClaims(
  { store, logger }: Context,
  claims: JwtClaims,
): Promise<{ user: User; version: number }> {
  const { handle, issuedAt } = claims;
  const found = await store.logins.userForJwt(handle);
  if (found.deletedAt !== null && (issuedAt === null || issuedAt <= found.deletedAt)) {
    throw new DomainError("unauthorized", "The token was issued to a user who was deleted since");
  }
  if (isOver(issuedAt, found.loginsEndedAt)) {
    throw new DomainError("unauthorized", "All logins of the user were ended since the token was issued");
  }
  if (found.user) return { user: found.user, version: found.version };
  const displayName = displayNameOf(claims);
  try {
    await store.transaction((tx) =>
      tx.users.create({ handle, displayName, email: null, passwordHash: null, administrator: false }),
    );
    logger.info(
      { event: "user.provisioned", handle },
      "made a user for the first token of an outside issuer",
    );
  } catch (error) {
    // Another request has just made the same user.
    if (!(error instanceof DomainError) || error.code !== "conflict") throw error;
  }
  const { user, version } = await store.logins.userForJwt(handle);
  if (!user) throw new DomainError("unauthorized", "The user was deleted");
  return { user, version };
}

/**
 * Subjects of an issuer are case-sensitive (RFC 7519, section 4.1.2), but handles are not. So a subject signs in only if it
 * is spelled exactly like the user's handle.
 */
function checkIsTheirs(user: User, { handle }: JwtClaims): void {
  if (user.handle === handle) return;
  throw new DomainError("unauthorized", "The token's sub differs in case from the handle of another user");
}

function displayNameOf({ name, handle }: JwtClaims): string {
  try {
    return checkName("name", name ?? handle);
  } catch {
    return handle; // The issuer's name for the user breaks our rules; the handle never does.
  }
}
