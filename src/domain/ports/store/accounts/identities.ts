/** People as identity providers know them. ../store.ts says what callers may rely on. */
import type { User } from "../../../model.ts";

/** The person behind an issuer's subject. */
export interface Identity {
  id: number;
  user: User;
  /** What the issuer last called them; null: nothing that is a name. */
  name: string | null;
  /** The URL of the picture that was last taken over from there. */
  picture: string | null;
}

/** What a login came from. */
export interface LoginOrigin {
  identityId: number;
  /** The provider's session (`sid`); null where it tells none. */
  providerSession: string | null;
}

/** One of a user's links, as the user sees it. */
export interface OwnIdentity {
  id: number;
  issuer: string;
  subject: string;
  /** What the issuer last called the person. */
  name: string | null;
  /** ms. */
  linkedAt: number;
}

/** A person of an issuer to whom a signed-in user is to be linked. */
export interface LinkCode {
  issuer: string;
  subject: string;
  name: string | null;
  /** The URL of the person's picture there. */
  picture: string | null;
  /** The app's PKCE challenge, S256. */
  challenge: string;
}

/** A sign-in that an app has yet to fetch. */
export interface LoginCode extends LoginOrigin {
  /** The app's PKCE challenge, S256. */
  challenge: string;
  persistent: boolean;
}

export interface IdentityStore {
  /** Null when nobody is linked to the subject. */
  find(issuer: string, subject: string): Promise<Identity | null>;
  /** What the issuer calls the person by now. */
  noteName(id: number, name: string | null): Promise<void>;
  /** The picture of this URL was taken over. */
  notePicture(id: number, url: string): Promise<void>;
  /** The only user with this e-mail address, whatever its case; `linked`: to some subject of the issuer. */
  userByEmail(email: string, issuer: string): Promise<{ user: User; linked: boolean } | null>;
  /** The user's links, the first one first. */
  ofUser(userId: number): Promise<OwnIdentity[]>;
  putLinkCode(code: LinkCode & { hash: Uint8Array; expiresAt: number }): Promise<void>;
  /**
   * Gives a code to one user, as often as that one asks; `repeated`: not for the first time. Null when it is unknown,
   * another's, or over.
   */
  takeLinkCode(hash: Uint8Array, userId: number): Promise<(LinkCode & { repeated: boolean }) | null>;
  putCode(code: LoginCode & { hash: Uint8Array; expiresAt: number }): Promise<void>;
  /**
   * Ends logins and waiting codes that came from the issuer, of the subject and of the session where they are told.
   * @param before logins that started later stay, ms
   * @returns the logins that ended
   */
  endLogins(
    origin: { issuer: string; subject: string | null; session: string | null },
    before: number,
  ): Promise<{ userId: number; loginId: number }[]>;
  /**
   * Takes a code away, and gives it to one caller. Null when it is unknown, taken or over, or when all logins of the user
   * were ended since.
   */
  takeCode(hash: Uint8Array): Promise<(LoginCode & { user: User }) | null>;
}
