/** What follows when logins ended in the store. */
import type { Context } from "../context/context.ts";

/**
 * Makes every gateway check the user's sessions, and drops the access tokens of the logins, which are invalid without them.
 * @param logins ids
 */
export async function loginsEnded(
  context: Pick<Context, "broadcasts" | "bestEffort" | "hot">,
  userId: number,
  logins: readonly number[],
): Promise<void> {
  context.broadcasts.userChanged(userId);
  await context.bestEffort("Ending the access tokens of logins", () =>
    Promise.all(logins.map((id) => context.hot.tokens.dropLogin(id))),
  );
}
