/** Oneself and others. */
import type { Command } from "./command.ts";

export interface PeopleCommands {
  /** Changes what is given of our profile. All of our sessions hear `user`. */
  profile: Command<"profile">;
  /** Finds people by a part of their name (`query`), or by any of their names (`ids`). */
  users: Command<"users">;
  /** Blocks a user, by their id. All of our sessions hear `block`. */
  block: Command<"block">;
  unblock: Command<"unblock">;
  /** The users whom we block, the last first. */
  blocked: Command<"blocked">;
  /** Our contact book, newest activity first. */
  contacts: Command<"contacts">;
  /** Puts a user into our contact book, or names them there. All of our sessions hear `contact`. */
  contactSet: Command<"contact.set">;
  /** Takes a user out of our contact book; the room with them stays. */
  contactRemove: Command<"contact.remove">;
  /** How we stand to people of other organizations: whom we asked, who asks us, and whom we are connected with. */
  connections: Command<"connections">;
  /** Asks a user, by their UUID, for a connection, or accepts theirs. Both hear `connection`. */
  connectionAsk: Command<"connection.ask">;
  /** Accepts, ignores, cancels or blocks. Both hear `connection`, as far as it changes something for them. */
  connectionSet: Command<"connection.set">;
  /** The organizations that we are in. `roomCreate` takes the `id` of one. */
  organizations: Command<"organizations">;
}

/** One's own account. */
export interface AccountCommands {
  /**
   * Changes our password, or sets a first one, and ends all logins but ours. Whoever has none needs a sign-in of the last 10
   * minutes: `unauthorized` asks for another one.
   */
  password: Command<"password">;
  /** Our logins, the last used first. */
  sessions: Command<"sessions">;
  /** Ends one of our logins, or all others. */
  sessionEnd: Command<"session.end">;
  /** Deletes our account; the proof is that of `password`. `erase` is the wish that our messages go too. */
  accountDelete: Command<"account.delete">;
  /** Who we are at identity providers. */
  identities: Command<"identities">;
  /**
   * Links our account to a person of the identity provider. `code` comes from `/login/oidc?link=true`, `verifier` is that of its
   * challenge; the proof is that of `password`.
   */
  identityLink: Command<"identity.link">;
  /** Takes a link away, and ends the logins that came from it, but ours. */
  identityUnlink: Command<"identity.unlink">;
  /** Gives the session another token of ours to live by. */
  token: Command<"token">;
  /** A password for our Matrix account, or with `device` a signed-in device. */
  matrix: Command<"matrix">;
}
