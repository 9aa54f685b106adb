/**
 * The users behind a provider's people. They are linked by issuer and subject, which never change hands, and made when they
 * sign in for the first time.
 */
import type { Context } from "../context/context.ts";
import type { OidcSettings } from "../context/issuers.ts";
import { DomainError } from "../errors.ts";
import type { User } from "../model.ts";
import { makeUser } from "../organizations/users.ts";
import type { OidcPerson } from "../ports/oidc.ts";
import type { Identity } from "../ports/store/accounts/identities.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Directory } from "../use-cases/directory.ts";
import { handlesFor, nameIn, pictureIn, verifiedEmailIn } from "./claims.ts";
import { endLoginsFrom } from "./logins.ts";
import { createMemberships } from "./memberships.ts";
import type { Pictures } from "./pictures.ts";

export interface OidcPeople {
  /**
   * Lets somebody in whom the provider has just signed in. Where a person who was let in before is refused now, the logins that
   * came from the provider end.
   * @throws DomainError `unauthorized` for people who may not sign in this way
   */
  enter(person: OidcPerson): Promise<Identity>;
  /** @throws DomainError `unauthorized` for people whom the provider puts into nothing */
  check(person: OidcPerson): void;
  /** What the provider calls the person, and the URL of their picture there; null: nothing that is one. */
  shownAs(person: OidcPerson): { name: string | null; picture: string | null };
}

/** OpenID Connect Core, section 2: at most 255 ASCII characters. */
const SUBJECT = /^[\x21-\x7e]{1,255}$/;

const NO_RIGHTS = { passwordHash: null, administrator: false };

/** What somebody new is made of. */
interface Newcomer {
  handle: string;
  displayName: string;
  email: string | null;
}

export function createOidcPeople(
  context: Context,
  settings: OidcSettings,
  takePicture: Pictures,
  directory: Pick<Directory, "updateUser" | "putOrganizationUser" | "removeOrganizationUser">,
): OidcPeople {
  const { store, logger, now } = context;
  const memberships = createMemberships(context, settings, directory);

  async function newcomer({ claims, issuer }: OidcPerson): Promise<Newcomer> {
    const [wanted, unique] = handlesFor(claims, settings.claims.handle);
    const isFree = (await store.users.byHandle(wanted)) === null;
    const handle = isFree && (await store.users.handleDeletedAt(wanted)) === null ? wanted : unique;
    const email = verifiedEmailIn(claims);
    const isNew = email !== null && (await store.identities.userByEmail(email, issuer)) === null;
    return {
      handle,
      displayName: nameIn(claims, settings.claims.name) ?? handle,
      email: isNew ? email : null,
    };
  }

  /**
   * The user whom the provider's verified e-mail address names, where the operator trusts in it. Who is linked to a subject
   * already is not named by an address: it may have been given to somebody else since.
   */
  async function userByEmail({ claims, issuer }: OidcPerson): Promise<User | null> {
    const email = settings.linkEmail ? verifiedEmailIn(claims) : null;
    const found = email === null ? null : await store.identities.userByEmail(email, issuer);
    return found && !found.linked ? found.user : null;
  }

  async function link(tx: StoreTransaction, person: OidcPerson, user: User): Promise<void> {
    const { issuer, subject, claims } = person;
    const name = nameIn(claims, settings.claims.name);
    const linked = await tx.users.link({ userId: user.id, issuer, subject, name });
    // Another request has just linked the subject; nothing of this transaction stays.
    if (linked === null) throw new DomainError("conflict", "The subject is linked", { field: "subject" });
  }

  /** Links the subject to a user who is there or new. */
  async function meet(person: OidcPerson): Promise<void> {
    const known = await userByEmail(person);
    if (known) checkMayEnter(known);
    const input = known ? null : await newcomer(person);
    const user = await store.transaction(async (tx) => {
      const user = known ?? (await makeUser(tx, { ...(input as Newcomer), ...NO_RIGHTS }));
      await link(tx, person, user);
      return user;
    });
    const how = known ? "linked a user by the e-mail address" : "made a user for the first sign-in";
    logger.info({ event: "user.linked", userId: user.id, issuer: person.issuer }, how);
  }

  async function identityOf({ issuer, subject }: OidcPerson): Promise<Identity | null> {
    return await store.identities.find(issuer, subject);
  }

  /** The provider's name for the person, when it is another one there than at the last sign-in. */
  async function rename(identity: Identity, { claims }: OidcPerson): Promise<Identity> {
    const name = nameIn(claims, settings.claims.name);
    if (name === null || name === identity.name) return identity;
    await store.identities.noteName(identity.id, name);
    if (name === identity.user.displayName) return identity;
    const user = await directory.updateUser(identity.user.id, { displayName: name });
    return { ...identity, user };
  }

  function checkMayEnter(user: User): void {
    if (!user.administrator || settings.administrators) return;
    throw new DomainError(
      "unauthorized",
      "Administrators sign in with their password unless OIDC_ADMINISTRATORS is true",
    );
  }

  function check({ subject, claims }: OidcPerson): void {
    if (!SUBJECT.test(subject))
      throw new DomainError("unauthorized", "The provider's subject is none by its standard");
    memberships.check(claims);
  }

  async function enterKnown(known: Identity, person: OidcPerson): Promise<Identity> {
    checkMayEnter(known.user);
    const identity = await rename(known, person);
    await memberships.put(identity.user, person.claims);
    takePicture(identity, person.claims);
    return identity;
  }

  /** Whoever may sign in this way no more is out, also where they signed in before [GW-17.14]. */
  async function shutOut(
    { user }: Identity,
    { issuer, subject }: OidcPerson,
    refusal: unknown,
  ): Promise<never> {
    if (!(refusal instanceof DomainError) || refusal.code !== "unauthorized") throw refusal;
    const logins = await endLoginsFrom(context, { issuer, subject, session: null }, now());
    logger.info(
      { event: "oidc.person_shut_out", userId: user.id, logins },
      "a person may sign in with the identity provider no more; the logins that came from there ended",
    );
    throw refusal;
  }

  return {
    check,
    shownAs: ({ claims }) => ({
      name: nameIn(claims, settings.claims.name),
      picture: pictureIn(claims, settings.claims.picture),
    }),
    async enter(person) {
      const before = SUBJECT.test(person.subject) ? await identityOf(person) : null;
      if (!before) {
        // Whom the provider lets into nothing is not made, either.
        check(person);
        await meet(person).catch(unlessConflict);
      }
      const known = before ?? (await identityOf(person));
      if (!known) throw new DomainError("busy", "Somebody else took the name in this moment; sign in again");
      return await enterKnown(known, person).catch((refusal) => shutOut(known, person, refusal));
    },
  };
}

/** Another request has just linked the subject, or taken the handle or the e-mail address. */
function unlessConflict(error: unknown): void {
  if (!(error instanceof DomainError) || error.code !== "conflict") throw error;
}
