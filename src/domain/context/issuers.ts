/** Whose word about people counts, and what they may say. */
import type { OrganizationRole } from "../model.ts";

/** An outside issuer whose JWTs sign people in, and what it may say of them. */
export interface JwtIssuer {
  /** The `iss` of its tokens. Unset: any, which only one issuer alone can have. */
  issuer?: string;
  /** The `aud` that its tokens must have. Unset: any. */
  audience?: string;
  /** Public keys at a URL or in PEM, or a shared secret of at least 32 bytes. The kind decides about the algorithms. */
  keys: { jwksUrl: string } | { publicKey: string } | { secret: string };
  /**
   * The organizations (ids) for which the issuer speaks: it names only people who are in at least one of them, and in none
   * beside them. People whom it makes join the first. Unset: it names everybody.
   */
  organizations?: readonly number[];
  /** Comes before the claim to make the handle, so that the people of two issuers do not have one handle. */
  handlePrefix?: string;
  /** The claims with the handle and the name. Default: `sub` and `name`. */
  claims?: { handle: string; name: string };
  /** Whether administrators may sign in with its JWTs. Then the issuer's keys give full access to this server. */
  administrators: boolean;
}

/** What an identity provider may say of people, and where they go after signing in. */
export interface OidcSettings {
  /** Origins and schemes of apps that may get a code: `https://app.example.org`, `com.example.app:`. */
  apps: readonly string[];
  /** The claims with the handle, the name, and the URL of the picture. */
  claims: { handle: string; name: string; picture: string };
  /**
   * The organizations of which the provider may speak: those whose `value` is in the claim, and those without one for
   * everybody. Where there are any, people of none do not get in.
   */
  organizations: { claim: string | null; list: readonly { value: string | null; id: number }[] };
  /** Roles in these organizations by values of the claim; null: the provider says nothing of them. */
  roles: { claim: string | null; list: readonly { value: string; role: OrganizationRole }[] };
  /** Whether a verified e-mail address names the user who has it here. Then the provider may name everybody with one. */
  linkEmail: boolean;
  /** Whether administrators may sign in through the provider. */
  administrators: boolean;
}
