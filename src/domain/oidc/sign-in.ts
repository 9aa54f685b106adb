/**
 * Signing in with an identity provider: authorization code flow with PKCE (RFC 9700). The browser that begins keeps the checks
 * in a sealed text, so that only it can end what it began. An app gets a code, which only it can exchange: its own PKCE
 * challenge is kept with it.
 */
import type { InternalAccounts } from "../auth/accounts.ts";
import { hashSecret, isSecret, newSecret } from "../auth/secrets.ts";
import type { Context } from "../context/context.ts";
import type { OidcSettings } from "../context/issuers.ts";
import { badField, DomainError } from "../errors.ts";
import type { OidcChecks, OidcPerson, OidcProvider } from "../ports/oidc.ts";
import type { Identity } from "../ports/store/accounts/identities.ts";
import type { OidcFailure, OidcReturn, OidcSignIn } from "../use-cases/accounts.ts";
import { fits, isChallenge } from "./challenge.ts";
import { endLoginsFrom } from "./logins.ts";
import type { OidcPeople } from "./people.ts";
import { checkReturnTo } from "./return-to.ts";
import { createSeal } from "./seal.ts";

/** How long somebody may take at the provider. */
const FLOW_MS = 600_000;
const CODE_MS = 60_000;
/** The user may have to type a password before a link is made. */
const LINK_CODE_MS = 300_000;

interface Flow extends OidcChecks {
  returnTo: OidcReturn;
  challenge: string | null;
  persistent: boolean;
  /** Whether a signed-in user is to be linked to the person, and nobody signed in. */
  link: boolean;
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

  async function linkCodeFor(person: OidcPerson, flow: Flow): Promise<string> {
    people.check(person);
    const { issuer, subject } = person;
    const code = newSecret("link");
    await store.identities.putLinkCode({
      ...{ issuer, subject, ...people.shownAs(person), challenge: flow.challenge ?? "" },
      ...{ hash: hashSecret(code), expiresAt: now() + LINK_CODE_MS },
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
    async begin({ publicUrl, redirectUri, returnTo: given, challenge, persistent, link }) {
      const returnTo = checkReturnTo(given, publicUrl, settings.apps);
      const getsCode = link || returnTo.kind === "app";
      if (getsCode && (challenge === null || !isChallenge(challenge)))
        throw badField(
          "code_challenge",
          "must be the SHA-256 of the app's code_verifier in base64url (S256)",
        );
      try {
        const { url, checks } = await provider.begin(redirectUri);
        const flow = await flows.seal({ ...checks, returnTo, challenge, persistent, link, redirectUri });
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
        if (flow.link) return { outcome: "code", returnTo, code: await linkCodeFor(person, flow) };
        const identity = await people.enter(person);
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
      if (!found || !fits(verifier, found.challenge))
        throw new DomainError("unauthorized", "The code is used, over, or another app's; sign in again");
      const { user, persistent } = found;
      return { ...(await accounts.loginFor(user, found, { ...by, persistent, refresh: true })), persistent };
    },
  };
}

/** Ends what a logout token of the provider names. A repeated one ends nothing that began since. */
async function endLogins(context: Context, provider: OidcProvider, token: string): Promise<void> {
  const { issuedAt, ...origin } = await provider.logout(token);
  const logins = await endLoginsFrom(context, origin, issuedAt);
  context.logger.info({ event: "oidc.logins_ended", logins }, "the identity provider ended logins");
}

/** By the codes of the provider's and of {@link OidcPeople}'s refusals. */
const OUTCOMES: Partial<Record<string, OidcFailure["outcome"]>> = {
  forbidden: "denied",
  unauthorized: "refused",
  unavailable: "unavailable",
  busy: "unavailable",
};
