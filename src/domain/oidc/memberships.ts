/**
 * The organizations of people who sign in with an identity provider, and their roles there, as its claims say. Only organizations
 * that the settings name are touched.
 */
import type { Context } from "../context/context.ts";
import type { OidcSettings } from "../context/issuers.ts";
import { DomainError } from "../errors.ts";
import type { OrganizationRole, User } from "../model.ts";
import type { Directory } from "../use-cases/directory.ts";
import { type Claims, textsIn } from "./claims.ts";

export interface Memberships {
  /** @throws DomainError `unauthorized` for people of no organization, where the settings name any */
  check(claims: Claims): void;
  /**
   * Puts the user into the organizations of the claims, and out of those that they do not name any more.
   * @throws DomainError `unauthorized` when the user is in none of them then
   */
  put(user: User, claims: Claims): Promise<void>;
}

/** Of several roles the last one counts. */
const RISING: readonly OrganizationRole[] = ["member", "chat", "admin"];

export function createMemberships(
  { store, logger }: Context,
  { organizations, roles }: Pick<OidcSettings, "organizations" | "roles">,
  directory: Pick<Directory, "putOrganizationUser" | "removeOrganizationUser">,
): Memberships {
  /** Ids in the order in which organizations are locked. */
  const managed = [...new Set(organizations.list.map(({ id }) => id))].sort((a, b) => a - b);

  function wanted(claims: Claims): Set<number> {
    const named = new Set(organizations.claim === null ? [] : textsIn(claims, organizations.claim));
    const ours = organizations.list.filter(({ value }) => value === null || named.has(value));
    return new Set(ours.map(({ id }) => id));
  }

  /** Null: the provider says nothing of roles, and they stay as they are here. */
  function roleIn(claims: Claims): OrganizationRole | null {
    if (roles.claim === null) return null;
    const named = new Set(textsIn(claims, roles.claim));
    const held = new Set(roles.list.filter(({ value }) => named.has(value)).map(({ role }) => role));
    return RISING.findLast((role) => held.has(role)) ?? "member";
  }

  async function put(organizationId: number, userId: number, role: OrganizationRole): Promise<boolean> {
    try {
      await directory.putOrganizationUser(organizationId, userId, role);
      return true;
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "not_found") throw error;
      logger.warn(
        { event: "oidc.organization_missing", organizationId },
        "OIDC_ORGANIZATIONS names an organization that does not exist",
      );
      return false;
    }
  }

  async function remove(organizationId: number, userId: number): Promise<void> {
    await directory.removeOrganizationUser(organizationId, userId).catch((error) => {
      // Somebody else has just taken them out.
      if (!(error instanceof DomainError) || error.code !== "not_found") throw error;
    });
  }

  async function putInto(user: User, claims: Claims): Promise<void> {
    if (managed.length === 0) return;
    const now = new Map(
      (await store.organizations.of(user.id)).map((one) => [one.organization.id, one.role]),
    );
    const want = wanted(claims);
    const role = roleIn(claims);
    let isIn = false;
    for (const id of managed) {
      const held = now.get(id);
      const due = role ?? held ?? "member";
      if (!want.has(id)) {
        if (held !== undefined) await remove(id, user.id);
      } else if (held === due || (await put(id, user.id, due))) isIn = true;
    }
    if (!isIn) throw ofNone();
  }

  return {
    check(claims) {
      if (managed.length > 0 && wanted(claims).size === 0) throw ofNone();
    },
    put: putInto,
  };
}

function ofNone(): DomainError {
  return new DomainError(
    "unauthorized",
    "The identity provider puts this person into none of our organizations",
  );
}
