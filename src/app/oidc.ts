/** The identity provider that the settings name. */
import type { Config } from "../config.ts";
import type { DomainOptions } from "../domain/assembly/domain.ts";
import { organizationsOf, rolesOf } from "../domain/oidc/value-lists.ts";
import { MAX_AVATAR_BYTES } from "../domain/rooms/avatars.ts";
import type { Logger } from "../logger.ts";
import { createOidcProvider } from "../oidc/provider.ts";
import { createGuardedGet } from "../webhooks/guarded-get.ts";
import type { Targets } from "../webhooks/targets.ts";

const PICTURE_WITHIN_MS = 10_000;

/** Null where none is set. Nothing is asked of it before somebody signs in, or asks for the server's health. */
export function oidcOf(
  config: Config,
  logger: Logger,
  targets: Targets,
): NonNullable<DomainOptions["oidc"]> | null {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = config;
  if (issuer === undefined || clientId === undefined) return null;
  const name = config.OIDC_NAME ?? new URL(issuer).hostname;
  const scopes = config.OIDC_SCOPES;
  return {
    fetchPicture: createGuardedGet({ targets, timeoutMs: PICTURE_WITHIN_MS, maxBytes: MAX_AVATAR_BYTES }),
    provider: createOidcProvider({ issuer, clientId, clientSecret, scopes, name, logger }),
    settings: {
      apps: config.OIDC_APPS ?? [],
      claims: {
        handle: config.OIDC_HANDLE_CLAIM,
        name: config.OIDC_NAME_CLAIM,
        picture: config.OIDC_PICTURE_CLAIM,
      },
      organizations: {
        claim: config.OIDC_ORGANIZATIONS_CLAIM ?? null,
        list: listOf(config.OIDC_ORGANIZATIONS, organizationsOf),
      },
      roles: { claim: config.OIDC_ROLES_CLAIM ?? null, list: listOf(config.OIDC_ROLES, rolesOf) },
      linkEmail: config.OIDC_LINK_EMAIL === "true",
      administrators: config.OIDC_ADMINISTRATORS === "true",
    },
  };
}

function listOf<T>(text: string | undefined, read: (text: string) => T[]): T[] {
  return text === undefined ? [] : read(text);
}
