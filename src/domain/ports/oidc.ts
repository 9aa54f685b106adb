/** An identity provider (OpenID Connect), of which the domain asks who somebody is. */

/** What the answer of the provider is checked against. Kept by the browser, sealed. */
export interface OidcChecks {
  state: string;
  nonce: string;
  /** PKCE's secret. */
  verifier: string;
}

/** Somebody whom the provider has just signed in. */
export interface OidcPerson {
  issuer: string;
  subject: string;
  /** The provider's session (`sid`). */
  session: string | null;
  /** All claims, of the ID token and of the userinfo: any JSON. */
  claims: Readonly<Record<string, unknown>>;
}

/** Whose logins the provider ends: one of its sessions, or all of a person. One of the two is known. */
export interface OidcLogout {
  issuer: string;
  subject: string | null;
  session: string | null;
  /** ms. */
  issuedAt: number;
}

export interface OidcProvider {
  /** What people call it. */
  readonly name: string;
  /**
   * Where the browser has to go, and what comes back is checked against.
   * @throws DomainError `unavailable`
   */
  begin(redirectUri: string): Promise<{ url: string; checks: OidcChecks }>;
  /**
   * Who came back.
   * @param answer the redirect URI with the provider's query
   * @throws DomainError `forbidden` when the provider let nobody in, `bad_request` when its answer proves nothing,
   *   `unavailable`, `busy`
   */
  finish(answer: URL, checks: OidcChecks): Promise<OidcPerson>;
  /**
   * Where the browser has to go to be signed out there, too; null where the provider has no such page.
   * @throws DomainError `unavailable`
   */
  signOutUrl(returnTo: string): Promise<string | null>;
  /** @throws DomainError `bad_request` on `logout_token` when it is none of the provider's; `unavailable` */
  logout(token: string): Promise<OidcLogout>;
  /** Whether it can be reached, as far as is known; asks again when it could not. */
  health(): { ok: boolean; detail?: string };
}
