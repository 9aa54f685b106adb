/**
 * Signing in with an identity provider: authorization code flow with PKCE (RFC 9700). The browser that begins keeps the checks
 * in a sealed text, so that only it can end what it began. An app gets a code, which only it can exchange: its own PKCE
 * challenge is kept with it.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { InternalAccounts } from "../auth/accounts.ts";
import { hashSecret, isSecret, newSecret } from "../auth/secrets.ts";
import type { Context } from "../context/context.ts";
import type { OidcSettings } from "../context/issuers.ts";
import { badField, DomainError } from "../errors.ts";
import type { OidcChecks, OidcProvider } from "../ports/oidc.ts";
import type { Identity } from "../ports/store/accounts/identities.ts";
import type { OidcFailure, OidcReturn, OidcSignIn } from "../use-cases/accounts.ts";
import type { OidcPeople } from "./people.ts";
import { checkReturnTo } from "./return-to.ts";
import { createSeal } from "./seal.ts";

/** How long somebody may take at the provider. */
const FLOW_MS = 600_000;
const CODE_MS = 60_000;
/** How much the provider's clock may be behind this one: a login is ended rather than missed. */
const CLOCKS_DIFFER_MS = 60_000;
/** SHA-256 in base64url (RFC 7636, section 4.2). */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

interface Flow extends OidcChecks {
  returnTo: OidcReturn;
  challenge: string | null;
  persistent: boolean;
  /** What the answer comes back to, without a query. */
  redirectUri: string;
}

interface Parts {
  provider: OidcProvider;
  settings: OidcSettings;
  people: OidcPeople;
  accounts: Pick<InternalAccounts, "loginFor">;
}

export function createOidcSignIn(context: Context, parts: Parts): OidcSignIn {
  const { store, now, logger } = context;
  const { provider, settings, people, accounts } = parts;
  const flows = createSeal<Flow>(store.secret, "oidc flow", { lifetimeMs: FLOW_MS, now });

  async function codeFor(identity: Identity, session: string | null, flow: Flow): Promise<string> {
    const code = newSecret("code");
    await store.identities.putCode({
      ...{ identityId: identity.id, providerSession: session, challenge: flow.challenge ?? "" },
      ...{ hash: hashSecret(code), persistent: flow.persistent, expiresAt: now() + CODE_MS },
    });
    return code;
  }

  function failed(error: unknown, returnTo: OidcReturn): OidcFailure {
    if (!(error instanceof DomainError)) throw error;
    const { code, message: reason } = error;
    logger.info({ event: "oidc.refused", code, reason }, "a sign-in with the identity provider failed");
    return { outcome: OUTCOMES[code] ?? "failed", returnTo };
  }

  return {
    name: provider.name,
    async begin({ publicUrl, redirectUri, returnTo: given, challenge, persistent }) {
      const returnTo = checkReturnTo(given, publicUrl, settings.apps);
      if (returnTo.kind === "app" && (challenge === null || !CHALLENGE.test(challenge)))
        throw badField(
          "code_challenge",
          "must be the SHA-256 of the app's code_verifier in base64url (S256)",
        );
      try {
        const { url, checks } = await provider.begin(redirectUri);
        const flow = await flows.seal({ ...checks, returnTo, challenge, persistent, redirectUri });
        return { outcome: "begun", url, state: checks.state, flow };
      } catch (error) {
        return failed(error, returnTo);
      }
    },
    async finish({ query, flow: sealed, by }) {
      const flow = sealed === null ? null : await flows.open(sealed);
      if (!flow || query.get("state") !== flow.state) return { outcome: "expired", returnTo: null };
      const { returnTo } = flow;
      try {
        const person = await provider.finish(new URL(`?${query}`, flow.redirectUri), flow);
        const identity = await people(person);
        const { session } = person;
        if (returnTo.kind === "app")
          return { outcome: "code", returnTo, code: await codeFor(identity, session, flow) };
        const origin = { identityId: identity.id, providerSession: session };
        const { persistent } = flow;
        const login = await accounts.loginFor(identity.user, origin, { ...by, persistent });
        return { outcome: "login", returnTo, login, persistent };
      } catch (error) {
        return failed(error, returnTo);
      }
    },
    signOutUrl: async (home) => (await provider.signOutUrl(home)) ?? home,
    logout: (token) => endLogins(context, provider, token),
    async exchange(code, verifier, by) {
      const found = isSecret("code", code) ? await store.identities.takeCode(hashSecret(code)) : null;
      if (!found || !VERIFIER.test(verifier) || !fits(verifier, found.challenge))
        throw new DomainError("unauthorized", "The code is used, over, or another app's; sign in again");
      const { user, persistent } = found;
      return { ...(await accounts.loginFor(user, found, { ...by, persistent, refresh: true })), persistent };
    },
  };
}

/** Ends what a logout token of the provider names. A repeated one ends nothing that began since. */
async function endLogins(context: Context, provider: OidcProvider, token: string): Promise<void> {
  const { store, hot, logger, broadcasts } = context;
  const { issuedAt, ...origin } = await provider.logout(token);
  const gone = await store.identities.endLogins(origin, issuedAt + CLOCKS_DIFFER_MS);
  for (const userId of new Set(gone.map((login) => login.userId))) broadcasts.userChanged(userId);
  await context.bestEffort("Ending the access tokens of logins", () =>
    Promise.all(gone.map(({ loginId }) => hot.tokens.dropLogin(loginId))),
  );
  logger.info({ event: "oidc.logins_ended", logins: gone.length }, "the identity provider ended logins");
}

/** By the codes of the provider's and of {@link OidcPeople}'s refusals. */
const OUTCOMES: Partial<Record<string, OidcFailure["outcome"]>> = {
  forbidden: "denied",
  unauthorized: "refused",
  unavailable: "unavailable",
  busy: "unavailable",
};

function fits(verifier: string, challenge: string): boolean {
  const made = Buffer.from(createHash("sha256").update(verifier).digest("base64url"));
  const kept = Buffer.from(challenge);
  return made.length === kept.length && timingSafeEqual(made, kept);
}
