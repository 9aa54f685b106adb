/** Puts the use cases of accounts together: signing in, one's own account, and the identity provider. */
import { createAccountDeletions } from "../account/deleting.ts";
import { createOwnAccount } from "../account/own-account.ts";
import { createProofCheck } from "../account/proof.ts";
import { createAccounts, type InternalAccounts } from "../auth/accounts.ts";
import type { Passwords } from "../auth/passwords.ts";
import type { Context, DomainOptions } from "../context/context.ts";
import { createOwnIdentities } from "../oidc/linking.ts";
import { createOidcPeople } from "../oidc/people.ts";
import { createPictures } from "../oidc/pictures.ts";
import { createOidcSignIn } from "../oidc/sign-in.ts";
import type { UnreadCache } from "../reading/unread.ts";
import type { Departure } from "../rooms/members.ts";
import type { OidcSignIn } from "../use-cases/accounts.ts";
import type { Directory } from "../use-cases/directory.ts";
import type { UseCases } from "../use-cases/use-cases.ts";

interface Parts {
  passwords: Passwords;
  directory: Directory;
  departed(gone: readonly Departure[]): Promise<void>;
  unread: UnreadCache;
  oidc: DomainOptions["oidc"];
}

export function createAccountUseCases(
  context: Context,
  { passwords, directory, departed, unread, oidc }: Parts,
): Pick<UseCases, "accounts" | "accountDeletions" | "ownIdentities" | "oidc"> {
  const { loginFor, checkPassword, ...accounts } = createAccounts(context, passwords, directory);
  const checkProof = createProofCheck(context, checkPassword);
  return {
    accounts: { ...accounts, ...createOwnAccount(context, { passwords, checkPassword, checkProof }) },
    accountDeletions: createAccountDeletions(context, { checkProof, departed, unread }),
    ownIdentities: createOwnIdentities(context, oidc?.settings ?? null, checkProof),
    oidc: createOidc(context, oidc, directory, { loginFor }),
  };
}

function createOidc(
  context: Context,
  given: DomainOptions["oidc"],
  directory: Directory,
  accounts: Pick<InternalAccounts, "loginFor">,
): OidcSignIn | null {
  if (!given) return null;
  const { provider, settings, fetchPicture } = given;
  const pictures = createPictures(context, settings.claims.picture, fetchPicture);
  const people = createOidcPeople(context, settings, pictures, directory);
  return createOidcSignIn(context, { provider, settings, people, accounts });
}
