/** Ending the logins that came from an identity provider. */
import { loginsEnded } from "../auth/ended-logins.ts";
import type { Context } from "../context/context.ts";

/** How much the provider's clock may be behind this one: a login is ended rather than missed. */
const CLOCKS_DIFFER_MS = 60_000;

/**
 * Ends logins with their access tokens and sessions, and codes that wait.
 * @param origin of whom; with a `session` that session of the provider alone
 * @param at logins that began later stay, ms
 * @returns how many ended
 */
export async function endLoginsFrom(
  context: Context,
  origin: { issuer: string; subject: string | null; session: string | null },
  at: number,
): Promise<number> {
  const gone = await context.store.identities.endLogins(origin, at + CLOCKS_DIFFER_MS);
  for (const userId of new Set(gone.map((login) => login.userId))) {
    const theirs = gone.filter((login) => login.userId === userId);
    await loginsEnded(
      context,
      userId,
      theirs.map(({ loginId }) => loginId),
    );
  }
  return gone.length;
}
