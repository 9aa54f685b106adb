/**
 * An identity provider, by OpenID Connect. What it says of itself (discovery) is fetched when it is first needed, and kept.
 * `openid-client` checks its answers: state, `iss`, code with PKCE, and the ID token's signature, issuer, audience, times and
 * nonce.
 */
import * as client from "openid-client";
import { boundedFetch } from "../domain/auth/bounded-fetch.ts";
import { DomainError } from "../domain/errors.ts";
import type { OidcPerson, OidcProvider } from "../domain/ports/oidc.ts";
import type { Logger } from "../logger.ts";
import { createDiscovery } from "./discovery.ts";
import { createLogoutTokens } from "./logout-tokens.ts";
import { refusalOf } from "./refusals.ts";

export interface ProviderOptions {
  issuer: string;
  clientId: string;
  /** Unset: a public client, which PKCE alone protects. */
  clientSecret?: string | undefined;
  /** Separated by spaces; `openid` is among them. */
  scopes: string;
  /** What people call it. */
  name: string;
  logger: Pick<Logger, "info" | "warn">;
}

/** Each request to the provider, in seconds. */
const WITHIN_S = 5;
/** Keys, metadata, tokens and claims take a few KiB. */
const MAX_ANSWER_BYTES = 512 * 1_024;
/** Sign-ins whose answers are checked at once; more are `busy`. The provider may be slow, and everybody can begin one. */
const MAX_AT_ONCE = 64;
/** A `sid` that can be kept, and found again by a logout token. */
const SESSION = /^[\x21-\x7e]{1,255}$/;

export function createOidcProvider(options: ProviderOptions): OidcProvider {
  const { name, scopes, logger } = options;
  const discovery = createDiscovery(() => discover(options), logger);
  const logoutTokens = createLogoutTokens(options);
  let underWay = 0;

  async function personOf(
    configuration: client.Configuration,
    answer: URL,
    { state, nonce, verifier }: Parameters<OidcProvider["finish"]>[1],
  ): Promise<OidcPerson> {
    const tokens = await client.authorizationCodeGrant(configuration, answer, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const proven = tokens.claims() as client.IDToken;
    const { userinfo_endpoint: more } = configuration.serverMetadata();
    const told = more ? await client.fetchUserInfo(configuration, tokens.access_token, proven.sub) : {};
    const session = typeof proven.sid === "string" && SESSION.test(proven.sid) ? proven.sid : null;
    return { issuer: proven.iss, subject: proven.sub, session, claims: { ...told, ...proven } };
  }

  async function finish(answer: URL, checks: Parameters<OidcProvider["finish"]>[1]): Promise<OidcPerson> {
    const configuration = await discovery.get();
    try {
      return await personOf(configuration, answer, checks);
    } catch (error) {
      throw refusalOf(error, discovery, logger);
    }
  }

  return {
    name,
    async begin(redirectUri) {
      const configuration = await discovery.get();
      const checks = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      };
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: scopes,
        state: checks.state,
        nonce: checks.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(checks.verifier),
        code_challenge_method: "S256",
      });
      return { url: url.href, checks };
    },
    async finish(answer, checks) {
      if (underWay >= MAX_AT_ONCE)
        throw new DomainError("busy", "Too many sign-ins wait for the identity provider; try again");
      underWay++;
      try {
        return await finish(answer, checks);
      } finally {
        underWay--;
      }
    },
    async signOutUrl(returnTo) {
      const configuration = await discovery.get();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
      return client.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo }).href;
    },
    async logout(token) {
      const { jwks_uri: keysAt } = (await discovery.get()).serverMetadata();
      if (keysAt === undefined) throw new DomainError("unavailable", "The identity provider has no keys");
      return await logoutTokens(token, keysAt);
    },
    health: () => discovery.health(),
  };
}

async function discover({ issuer, clientId, clientSecret }: ProviderOptions): Promise<client.Configuration> {
  const server = new URL(issuer);
  return await client.discovery(server, clientId, undefined, authenticationOf(clientSecret), {
    timeout: WITHIN_S,
    execute: [
      client.enableNonRepudiationChecks,
      // The settings allow http on the machine's own addresses alone.
      ...(server.protocol === "http:" ? [client.allowInsecureRequests] : []),
    ],
    [client.customFetch]: boundedFetch(MAX_ANSWER_BYTES) as client.CustomFetch,
  });
}

/** How the client proves itself: as the provider says, and by the standard's default where it does not. */
function authenticationOf(secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None();
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...request) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    return (methods.includes("client_secret_basic") ? basic : post)(server, ...request);
  };
}
