/** What settings must be true of together. What can't work is refused at the start; what is rarely meant is warned about. */
import { issuerList } from "./config-issuers.ts";
import { type Environment, SECRET_SETTINGS } from "./config-secrets.ts";
import type { JwtIssuer } from "./domain/context/issuers.ts";

/** Settings as they were given: each may break a rule of its own. */
interface Told {
  ROLE?: string | undefined;
  PUBLIC_URL?: string | undefined;
  TRUSTED_PROXIES?: string | undefined;
  DATABASE_URL?: string | undefined;
  REDIS_URL?: string | undefined;
  ADMIN_TOKEN?: string | undefined;
  AUTH_JWKS_URL?: string | undefined;
  AUTH_ISSUER?: string | undefined;
  AUTH_AUDIENCE?: string | undefined;
  OIDC_ISSUER?: string | undefined;
  OIDC_CLIENT_ID?: string | undefined;
  OIDC_CLIENT_SECRET?: string | undefined;
  OIDC_APPS?: unknown;
  OIDC_ORGANIZATIONS?: string | undefined;
  OIDC_ORGANIZATIONS_CLAIM?: string | undefined;
  OIDC_ROLES?: string | undefined;
  OIDC_ROLES_CLAIM?: string | undefined;
  /** A text, as it was given, or what it says. */
  AUTH_ISSUERS?: string | readonly JwtIssuer[] | undefined;
  TURN_URLS?: unknown;
  TURN_SECRET?: string | undefined;
  MATRIX_HOMESERVER_URL?: string | undefined;
  MATRIX_APPSERVICE_URL?: string | undefined;
  MATRIX_CREDENTIALS?: string | undefined;
  MATRIX_MAS_URL?: string | undefined;
  MATRIX_MAS_CLIENT_ID?: string | undefined;
  MATRIX_MAS_CLIENT_SECRET?: string | undefined;
}

/** The value of REDIS_URL that says: hot state in memory, on purpose. */
export const IN_MEMORY = "memory";
/** Of an ADMIN_TOKEN in production. */
const MIN_TOKEN_LENGTH = 16;
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;
/** First words that settings share with few other programs. */
const FAMILIES =
  /^(ADMIN|ATTACHMENTS|AUTH|CAUSEWAY|DATABASE|DRAIN|FILES|HEARTBEAT|MATRIX|OIDC|RATE|REDIS|STUN|TRUSTED|TURN|WEBHOOK)_/;
/** What Kubernetes and Docker's links tell every container of a service that is called `redis` or `matrix`. */
const SERVICE_LINK = /_(SERVICE_(HOST|PORT.*)|PORT(_\d+_.*)?)$/;

/** Reasons not to start, each with the setting's name. A server counts as in production when DATABASE_URL is set. */
export function contradictions(config: Told): string[] {
  const { ROLE: role, DATABASE_URL: database, REDIS_URL: redis, MATRIX_HOMESERVER_URL: homeserver } = config;
  const problems: string[] = [];
  const isOneOfSeveral = role === "gateway" || role === "bridge";
  if (isOneOfSeveral && database === undefined)
    problems.push(`DATABASE_URL: ROLE=${role} needs the PostgreSQL that it shares with the other processes`);
  if (isOneOfSeveral && redis === undefined)
    problems.push(
      `REDIS_URL: ROLE=${role} needs the Redis over which processes hear each other; ` +
        `REDIS_URL=${IN_MEMORY} says that this one is alone`,
    );
  if (role === "bridge" && (homeserver === undefined || homeserver === "off"))
    problems.push("MATRIX_HOMESERVER_URL: ROLE=bridge needs a homeserver to bridge to");
  if (config.TURN_URLS !== undefined && config.TURN_SECRET === undefined)
    problems.push("TURN_SECRET: is needed with TURN_URLS; it is coturn's static-auth-secret");
  if (database !== undefined && isShort(config.ADMIN_TOKEN)) problems.push(`ADMIN_TOKEN: ${TOKEN_RULE}`);
  return [
    ...problems,
    ...issuerContradictions(config),
    ...oidcContradictions(config),
    ...masContradictions(config),
  ];
}

function* masContradictions(config: Told): Iterable<string> {
  if (config.MATRIX_CREDENTIALS !== "mas") return;
  for (const name of ["MATRIX_MAS_URL", "MATRIX_MAS_CLIENT_ID", "MATRIX_MAS_CLIENT_SECRET"] as const)
    if (config[name] === undefined) yield `${name}: is needed with MATRIX_CREDENTIALS=mas`;
}

function* oidcContradictions(config: Told): Iterable<string> {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: id } = config;
  if (issuer === undefined) return;
  if (config.OIDC_ORGANIZATIONS?.includes("=") && config.OIDC_ORGANIZATIONS_CLAIM === undefined)
    yield "OIDC_ORGANIZATIONS_CLAIM: is needed for the values of OIDC_ORGANIZATIONS";
  if ((config.OIDC_ROLES === undefined) !== (config.OIDC_ROLES_CLAIM === undefined))
    yield "OIDC_ROLES_CLAIM: is needed with OIDC_ROLES, and OIDC_ROLES with it";
  if (id === undefined) yield "OIDC_CLIENT_ID: is needed with OIDC_ISSUER";
  if (URL.canParse(issuer) && isPlainHttp(issuer))
    yield "OIDC_ISSUER: must be https; only on loopback may it be http";
}

/** `iss` selects the keys of a JWT, so each issuer is told once, and none is every issuer beside others. */
function* issuerContradictions(config: Told): Iterable<string> {
  const { AUTH_JWKS_URL: jwks, AUTH_ISSUER: issuer, AUTH_ISSUERS: text } = config;
  if (jwks === undefined || text === undefined) return;
  if (issuer === undefined) yield "AUTH_ISSUER: is needed beside AUTH_ISSUERS; a JWT's iss selects its keys";
  if (issuerList.safeParse(text).data?.some((one) => one.issuer === issuer))
    yield "AUTH_ISSUERS: has an entry for AUTH_ISSUER too; tell each issuer once";
}

const TOKEN_RULE = `must have at least ${MIN_TOKEN_LENGTH} characters (openssl rand -hex 24 makes a good one)`;

function isShort(token: string | undefined): boolean {
  return token !== undefined && token.length < MIN_TOKEN_LENGTH;
}

/** What works and is probably not meant, each with the setting's name. */
export function doubts(config: Told, env: Environment, known: readonly string[]): string[] {
  const found = [
    ...[...standingDoubts(config), ...issuerDoubts(config), ...oidcDoubts(config)],
    ...matrixDoubts(config),
  ];
  const names = new Set([...known, ...SECRET_SETTINGS.map((name) => `${name}_FILE`)]);
  for (const name of Object.keys(env)) {
    if (names.has(name) || !FAMILIES.test(name) || SERVICE_LINK.test(name)) continue;
    found.push(`${name}: is no setting of Causeway; see the settings table in README.md`);
  }
  return found;
}

function* standingDoubts(config: Told): Iterable<string> {
  const { ROLE: role, DATABASE_URL: database, REDIS_URL: redis, TRUSTED_PROXIES: proxies = "" } = config;
  if (role === "all" && database !== undefined && redis === undefined)
    yield `REDIS_URL: is unset, so hot state is in memory: a second process on this database would not be heard. REDIS_URL=${IN_MEMORY} says that this one is alone`;
  if (role === "gateway" && config.PUBLIC_URL === undefined)
    yield "PUBLIC_URL: is unset, so clients are told the address that HOST and PORT make";
  if (/(^|,)\s*[\da-f.:]+\/0\s*(,|$)/.test(proxies))
    yield "TRUSTED_PROXIES: trusts every address, so anybody can claim another's; name the proxy's own network";
  if (database === undefined && isShort(config.ADMIN_TOKEN)) yield `ADMIN_TOKEN: ${TOKEN_RULE}`;
}

function* listedDoubts(list: readonly JwtIssuer[], more: boolean): Iterable<string> {
  for (const { issuer, keys, organizations } of list) {
    if (!organizations && (more || list.length > 1))
      yield `AUTH_ISSUERS: ${issuer} has no organizations, so it may name the users of every other issuer`;
    if ("jwksUrl" in keys && isPlainHttp(keys.jwksUrl))
      yield `AUTH_ISSUERS: the jwksUrl of ${issuer} is plain http, so whoever is on the way can give keys of their own; use https`;
  }
}

function isPlainHttp(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === "http:" && !LOOPBACK.test(hostname);
}

function* issuerDoubts(config: Told): Iterable<string> {
  const { AUTH_JWKS_URL: jwks, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = config;
  const { AUTH_ISSUERS: list = [] } = config;
  if (typeof list !== "string") yield* listedDoubts(list, jwks !== undefined);
  if (jwks === undefined) {
    if (issuer !== undefined) yield "AUTH_ISSUER: means nothing without AUTH_JWKS_URL";
    if (audience !== undefined) yield "AUTH_AUDIENCE: means nothing without AUTH_JWKS_URL";
    return;
  }
  if (issuer === undefined)
    yield "AUTH_ISSUER: is unset, so a JWT of any issuer with these keys signs people in";
  if (audience === undefined)
    yield "AUTH_AUDIENCE: is unset, so a JWT that was made for another program signs people in";
  if (isPlainHttp(jwks))
    yield "AUTH_JWKS_URL: is plain http, so whoever is on the way can give keys of their own; use https";
}

function* oidcDoubts(config: Told): Iterable<string> {
  if (config.OIDC_ISSUER !== undefined) return;
  for (const name of ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_APPS"] as const)
    if (config[name] !== undefined) yield `${name}: means nothing without OIDC_ISSUER`;
}

function* matrixDoubts(config: Told): Iterable<string> {
  const { ROLE: role, MATRIX_HOMESERVER_URL: homeserver, MATRIX_APPSERVICE_URL: appservice } = config;
  if (role === "gateway" && homeserver === undefined)
    yield "MATRIX_HOMESERVER_URL: is unset, so this gateway hands out no Matrix credentials; off says that this is meant";
  if (role === "gateway" || homeserver === undefined || homeserver === "off") return;
  if (appservice === undefined && !LOOPBACK.test(new URL(homeserver).hostname))
    yield "MATRIX_APPSERVICE_URL: is unset, so the homeserver is told to reach this bridge at 127.0.0.1, its own machine";
}
