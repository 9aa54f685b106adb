/**
 * Linking one's account to a person of the identity provider, and unlinking it [GW-17.12, GW-17.13]. The sign-in at the
 * provider ends with a code, as an app's does; whoever hands it in is signed in here, and has the verifier of its challenge.
 * So nobody is linked by an address that somebody else made them open, nor by a code that somebody else sent them.
 */
import { loginOf, type ProofCheck } from "../account/proof.ts";
import { loginsEnded } from "../auth/ended-logins.ts";
import { hashSecret, isSecret } from "../auth/secrets.ts";
import type { Context } from "../context/context.ts";
import type { OidcSettings } from "../context/issuers.ts";
import { DomainError } from "../errors.ts";
import type { User } from "../model.ts";
import type { LinkCode } from "../ports/store/accounts/identities.ts";
import type { OwnIdentities } from "../use-cases/accounts.ts";
import { fits } from "./challenge.ts";

/** @param settings null where no provider is set: then nobody is linked, and links that exist can still be taken away */
export function createOwnIdentities(
  context: Context,
  settings: Pick<OidcSettings, "administrators"> | null,
  checkProof: ProofCheck,
): OwnIdentities {
  const { store, logger } = context;

  async function take(user: User, code: string, verifier: string): Promise<LinkCode & { repeated: boolean }> {
    const found = isSecret("link", code)
      ? await store.identities.takeLinkCode(hashSecret(code), user.id)
      : null;
    if (!found || !fits(verifier, found.challenge))
      throw new DomainError("forbidden", "The code is used, over, or another app's; begin again", {
        field: "code",
      });
    return found;
  }

  /** @returns false when the user is linked to the subject already */
  async function link(user: User, { issuer, subject, name, picture }: LinkCode): Promise<boolean> {
    const linked = await store.transaction(async (tx) => {
      if ((await tx.users.lock([user.id])).length === 0)
        throw new DomainError("unauthorized", "The account was deleted");
      // Name and picture here are the user's own, until they change there.
      return await tx.users.link({ userId: user.id, issuer, subject, name, picture });
    });
    if (linked !== null) return true;
    const known = await store.identities.find(issuer, subject);
    if (known?.user.id === user.id) return false;
    throw new DomainError(
      "conflict",
      known
        ? "This person of the identity provider has another account here"
        : "You are linked to another person of this identity provider; unlink that one first",
      { field: "code" },
    );
  }

  return {
    list: (userId) => store.identities.ofUser(userId),
    async link(user, { code, verifier }, proof) {
      await checkProof(user, proof, "password");
      if (user.administrator && !settings?.administrators)
        throw new DomainError("forbidden", "Administrators do not sign in with the identity provider");
      const { repeated, ...person } = await take(user, code, verifier);
      const linked = !repeated && (await link(user, person));
      const identity = (await store.identities.ofUser(user.id)).find(
        ({ issuer, subject }) => issuer === person.issuer && subject === person.subject,
      );
      // It was unlinked since: a code links once.
      if (!identity) throw new DomainError("forbidden", "The code is used; begin again", { field: "code" });
      if (linked) {
        const { issuer } = person;
        logger.info({ event: "user.linked", userId: user.id, issuer }, "a user linked their account");
      }
      return { identity, linked };
    },
    async unlink(user, id, proof) {
      await checkProof(user, proof, "password");
      const { credential } = proof;
      const done = await store.transaction((tx) =>
        tx.users.unlink({
          ...{ userId: user.id, id, kept: loginOf(credential) },
          // Whom an outside issuer signs in needs neither password nor identity provider.
          evenLast: credential.via === "jwt",
        }),
      );
      if (done === "last")
        throw new DomainError("conflict", "It is your only way to sign in; set a password first", {
          field: "identity",
        });
      if (done === null) return false;
      logger.info({ event: "user.unlinked", userId: user.id }, "a user unlinked their account");
      await loginsEnded(context, user.id, done);
      return true;
    },
  };
}
