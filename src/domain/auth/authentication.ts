/** Finds the principal of a request: by access token, personal access token, API token, JWT, or name and password. */
import type { Context } from "../context/context.ts";
import { DomainError } from "../errors.ts";
import type { Accounts } from "../use-cases/accounts.ts";
import type { UserDirectory } from "../use-cases/directory.ts";
import { createJwtVerifier, looksLikeJwt } from "./jwt.ts";
import { createJwtUsers } from "./jwt-users.ts";
import type { PasswordCheck } from "./password-check.ts";
import { hashSecret, hexHash, isSecret } from "./secrets.ts";

type Authenticated = Awaited<ReturnType<Accounts["authenticate"]>>;

/** Each check costs one query (and for access tokens a look-up in hot state). Nothing is cached, so revocation is immediate. */
export function createAuthentication(
  context: Context,
  checkPassword: PasswordCheck,
  directory: Pick<UserDirectory, "createUser">,
): Pick<Accounts, "authenticate" | "authenticateBasic"> {
  const { store, hot, settings, now } = context;
  const { issuers = [] } = settings;
  const verifyJwt = issuers.length > 0 ? createJwtVerifier(issuers, now) : null;
  const userOfClaims = createJwtUsers(context, directory);

  async function byAccessToken(token: string): Promise<Authenticated | null> {
    const entry = await hot.tokens.get(hexHash(token));
    // The login is checked too: hot state may have missed a logout, and after a restore of the database the id may belong
    // to another login.
    const found = entry && (await store.logins.userOf(entry.loginId));
    if (!entry || found?.hash !== entry.loginHash) return null;
    const { loginId, expiresAt } = entry;
    const credential = { via: "session", loginId, expiresAt } as const;
    const { user, version, blocked } = found;
    return { kind: "user", user, credential, version, blocked };
  }

  async function byApiToken(token: string): Promise<Authenticated | null> {
    const found = await store.tokens.byHash(hashSecret(token));
    if (!found) return null;
    const { id: tokenId, expiresAt } = found.token;
    const { version } = found;
    if (found.organization) {
      return { kind: "organization", organization: found.organization, tokenId, version };
    }
    const { user, blocked } = found;
    return { kind: "user", user, credential: { via: "token", tokenId, expiresAt }, version, blocked };
  }

  async function byJwt(token: string): Promise<Authenticated | null> {
    if (!verifyJwt) return null;
    const claims = await verifyJwt(token);
    const { user, version, blocked } = await userOfClaims(claims);
    const { expiresAt, issuedAt, authenticatedAt } = claims;
    const credential = { via: "jwt", expiresAt, issuedAt, authenticatedAt } as const;
    return { kind: "user", user, credential, version, blocked };
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
