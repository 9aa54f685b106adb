/** The use cases of operators and provisioning, put together. One file per noun. */
import type { Passwords } from "../auth/passwords.ts";
import type { Context } from "../context/context.ts";
import type { Departure } from "../rooms/members.ts";
import type { Directory } from "../use-cases/directory.ts";
import { createGroups } from "./groups.ts";
import { createOrganizationEvents } from "./organization-events.ts";
import { createOrganizations } from "./organizations.ts";
import { createTokens } from "./tokens.ts";
import { createUsers } from "./users.ts";

export function createDirectory(
  context: Context,
  passwords: Passwords,
  departed: (gone: readonly Departure[]) => Promise<void>,
): Directory {
  return {
    ...createOrganizations(context, departed),
    ...createUsers(context, passwords, departed),
    ...createOrganizationEvents(context, departed),
    ...createGroups(context),
    ...createTokens(context),
  };
}
