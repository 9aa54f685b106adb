/** The rows of the settings' table for signing in with an identity provider (OpenID Connect). */
import { z } from "zod";
import { httpUrl, trueOrFalse } from "./config-kinds.ts";
import { organizationsOf, rolesOf } from "./domain/oidc/value-lists.ts";

const claimName = z.string().min(1).max(200);
/** Schemes that browsers act upon themselves; a code must not go there. */
const NO_APP = /^(about|blob|data|file|ftp|https?|javascript|vbscript|wss?):$/;
const APP_RULE =
  "must be origins and schemes as https://app.example.org,com.example.app: with commas between (http on loopback alone)";

const appList = z
  .string()
  .transform((text) => text.split(",").map((one) => one.trim()))
  .refine((list) => list.every(isApp), APP_RULE);

function isApp(text: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:$/.test(text)) return !NO_APP.test(text);
  if (/^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)$/.test(text)) return true;
  return text.startsWith("https://") && URL.canParse(text) && new URL(text).origin === text;
}

const ORGANIZATIONS_RULE = "must be ids, or pairs of a claim's value and an id, as acme=1,globex=2";
const ROLES_RULE =
  "must be pairs of a claim's value and member, chat or admin, as operators=admin,helpers=chat";

export const OIDC_SETTINGS = {
  OIDC_ISSUER: httpUrl.optional().meta({
    description:
      "Identity provider (OpenID Connect) with which people sign in; unset: with passwords and JWTs alone. Its redirect URI is PUBLIC_URL/login/oidc/callback",
    example: "https://id.example.org",
  }),
  OIDC_CLIENT_ID: z.string().min(1).max(500).optional().meta({
    description: "The id under which the provider knows this server",
    example: "causeway",
  }),
  OIDC_CLIENT_SECRET: z.string().min(1).optional().meta({
    description: "The secret of OIDC_CLIENT_ID; unset: a public client",
  }),
  OIDC_NAME: z.string().min(1).max(60).optional().meta({
    description: "What people call the provider, in Sign in with …; unset: its host name",
    example: "Example ID",
  }),
  OIDC_SCOPES: z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, "must be scopes with spaces between")
    .refine((text) => text.split(" ").includes("openid"), "must have openid among them")
    .default("openid profile email")
    .meta({ description: "The scopes that are asked for, with spaces between" }),
  OIDC_APPS: appList.optional().meta({
    description:
      "Apps of other origins and schemes to which a sign-in may return, as https://app.example.org,com.example.app: with commas between",
    example: "https://app.example.org,com.example.app:",
  }),
  OIDC_HANDLE_CLAIM: claimName
    .default("preferred_username")
    .meta({ description: "The claim from which somebody new gets the handle" }),
  OIDC_NAME_CLAIM: claimName.default("name").meta({ description: "The claim with the name" }),
  OIDC_PICTURE_CLAIM: claimName.default("picture").meta({
    description:
      "The claim with the URL of the picture, which is fetched from addresses that webhooks may reach (WEBHOOK_ALLOW_PRIVATE)",
  }),
  OIDC_ORGANIZATIONS: z
    .string()
    .refine((text) => organizationsOf(text).length > 0, ORGANIZATIONS_RULE)
    .optional()
    .meta({
      description:
        "Organizations of which the provider may speak, with commas between: an id alone is everybody's, and acme=1 is of those whose OIDC_ORGANIZATIONS_CLAIM has acme. People of none of them do not get in; unset: it says nothing of organizations",
      example: "acme=1,globex=2",
    }),
  OIDC_ORGANIZATIONS_CLAIM: claimName.optional().meta({
    description: "The claim with the values of OIDC_ORGANIZATIONS; one inside of others is named with dots",
    example: "groups",
  }),
  OIDC_ROLES: z
    .string()
    .refine((text) => rolesOf(text).length > 0, ROLES_RULE)
    .optional()
    .meta({
      description:
        "Roles in these organizations by values of OIDC_ROLES_CLAIM, as operators=admin,helpers=chat; others are members. Unset: the provider says nothing of roles",
      example: "operators=admin,helpers=chat",
    }),
  OIDC_ROLES_CLAIM: claimName.optional().meta({
    description: "The claim with the values of OIDC_ROLES; one inside of others is named with dots",
    example: "realm_access.roles",
  }),
  OIDC_LINK_EMAIL: trueOrFalse.default("false").meta({
    description:
      "true or false: whether a verified e-mail address of the provider names the user who has it here; then the provider may name everybody with one",
  }),
  OIDC_ADMINISTRATORS: trueOrFalse
    .default("false")
    .meta({ description: "true or false: whether administrators may sign in through the provider, too" }),
};
