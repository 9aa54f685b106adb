/**
 * Matrix Authentication Service in front of Synapse. Synapse then has no `/login`, also for application services, so
 * accounts are dealt with through the service's admin API: https://element-hq.github.io/matrix-authentication-service/api/.
 * Tokens are those of personal sessions (version 1.5 and later).
 */
import { badField, DomainError } from "../../src/domain/errors.ts";
import { deactivatedError } from "./deactivated.ts";
import { ANSWER_LIMIT_MS, withoutSlash } from "./homeserver.ts";
import { HomeserverError, reasonOf } from "./homeserver-error.ts";

export interface MasSettings {
  /** Where its admin API and its token endpoint are. */
  url: string;
  /** A client of `clients` in its configuration, which `policy.data.admin_clients` names. */
  clientId: string;
  clientSecret: string;
}

/**
 * Its accounts, named by their localparts.
 * @throws HomeserverError when it does not answer or refuses the client; DomainError with what has to be done
 */
export interface Mas {
  /** A token for the device, whose older tokens end. Makes the account. */
  signIn(localpart: string, deviceId: string): Promise<string>;
  /** Makes the account. */
  setPassword(localpart: string, password: string): Promise<void>;
  /** Sets a password that nobody is given, if the account is there and passwords are not turned off. */
  endPassword(localpart: string, password: string): Promise<void>;
  /** Whether an administrator deactivated or locked the account. */
  isDeactivated(localpart: string): Promise<boolean>;
  /** Ends what `signIn` gave for the device; null: for all devices. */
  endTokens(localpart: string, deviceId: string | null): Promise<void>;
  /** Ends the sessions that began with a password or another way of signing in at the service itself. */
  endSessions(localpart: string): Promise<void>;
  deactivate(localpart: string): Promise<void>;
}

interface User {
  id: string;
  attributes: { locked_at?: string | null; deactivated_at?: string | null };
}
interface Session {
  id: string;
  attributes: { scope: string; access_token?: string };
}

const API = "/api/admin/v1/";
const CLIENT_SCOPE = "urn:matrix:client:api:*";
const DEVICE_SCOPE = "urn:matrix:client:device:";
/** What its scopes take (docs/reference/scopes.md of the service). */
const DEVICE = /^[a-zA-Z0-9-]{10,}$/;
/** A page of sessions. Each sign-in ends those of its device, so that there is one for each. */
const PAGE = 100;

export function createMas(settings: MasSettings): Mas {
  const ask = createRequests(settings);

  const find = async (localpart: string) =>
    (await ask<{ data: User }>("GET", `users/by-username/${encodeURIComponent(localpart)}`))?.data ?? null;

  /** The homeserver has the account already, which the bridge registered: only the service may lack it. */
  async function ensure(localpart: string): Promise<User> {
    const known = await find(localpart);
    if (known) return refuseDeactivated(localpart, known);
    const body = { username: localpart, skip_homeserver_check: true };
    const made = await ask<{ data: User }>("POST", "users", body);
    const user = made?.data ?? (await find(localpart));
    if (!user)
      throw new HomeserverError(`${settings.url} did not make the user ${localpart}`, { status: 409 });
    return user;
  }

  async function endTokens({ id }: User, deviceId: string | null): Promise<void> {
    const query = new URLSearchParams({
      ...{ "filter[actor_user]": id, "filter[status]": "active", "page[first]": String(PAGE) },
    });
    for (let isMore = true; isMore; ) {
      const page = await ask<{ data: Session[] }>("GET", `personal-sessions?${query}`);
      const sessions = page?.data ?? [];
      for (const session of sessions) {
        const ofDevice = session.attributes.scope.split(" ").includes(`${DEVICE_SCOPE}${deviceId}`);
        if (deviceId === null || ofDevice) await ask("POST", `personal-sessions/${session.id}/revoke`);
      }
      query.set("page[after]", sessions.at(-1)?.id ?? "");
      isMore = sessions.length === PAGE;
    }
  }

  async function setPassword({ id }: User, password: string): Promise<void> {
    const body = { password, skip_password_check: true };
    await ask("POST", `users/${id}/set-password`, body, { 403: PASSWORDS_OFF });
  }

  const withUser = async (localpart: string, work: (user: User) => Promise<unknown>) => {
    const user = await find(localpart);
    if (user) await work(user);
  };

  return {
    signIn: async (localpart, deviceId) => {
      if (!DEVICE.test(deviceId)) {
        throw badField("deviceID", "must have at least 10 of a–z, A–Z, 0–9 and - at this homeserver");
      }
      const user = await ensure(localpart);
      await endTokens(user, deviceId);
      const scope = `${CLIENT_SCOPE} ${DEVICE_SCOPE}${deviceId}`;
      const body = { actor_user_id: user.id, human_name: `Causeway ${deviceId}`, scope };
      const made = await ask<{ data: Session }>("POST", "personal-sessions", body);
      const token = made?.data.attributes.access_token;
      if (token === undefined) {
        throw new DomainError("conflict", TOO_OLD);
      }
      return token;
    },
    setPassword: async (localpart, password) => await setPassword(await ensure(localpart), password),
    endPassword: (localpart, password) =>
      withUser(localpart, (user) =>
        setPassword(user, password).catch((error: unknown) => {
          // Without passwords there is none to end.
          if (!(error instanceof DomainError)) throw error;
        }),
      ),
    isDeactivated: async (localpart) => {
      const user = await find(localpart);
      return user !== null && isDeactivated(user);
    },
    endTokens: (localpart, deviceId) => withUser(localpart, (user) => endTokens(user, deviceId)),
    endSessions: (localpart) => withUser(localpart, ({ id }) => ask("POST", `users/${id}/kill-sessions`)),
    deactivate: (localpart) =>
      withUser(localpart, async (user) => {
        await endTokens(user, null);
        await ask("POST", `users/${user.id}/deactivate`, {});
      }),
  };
}

const PASSWORDS_OFF =
  "Passwords are turned off in Matrix Authentication Service (passwords.enabled in its configuration); use Login, which hands out a token";
const TOO_OLD =
  "This Matrix Authentication Service makes no personal sessions: it has to be of version 1.5 or later";

function isDeactivated({ attributes }: User): boolean {
  return Boolean(attributes.deactivated_at) || Boolean(attributes.locked_at);
}

function refuseDeactivated(localpart: string, user: User): User {
  if (isDeactivated(user)) throw deactivatedError(localpart);
  return user;
}

type Ask = <T>(
  method: "GET" | "POST",
  path: string,
  body?: object,
  refusals?: Record<number, string>,
) => Promise<T | null>;

/** What is not there, or is so already, is answered with null. `refusals`: what a status means to the one who asked. */
function createRequests({ url, clientId, clientSecret }: MasSettings): Ask {
  const base = withoutSlash(url);
  let token: Promise<string> | null = null;

  /** RFC 6749, section 4.4; names and secrets are form-encoded before they are a Basic header (section 2.3.1). */
  async function newToken(): Promise<string> {
    const secret = Buffer.from([clientId, clientSecret].map(encodeURIComponent).join(":")).toString("base64");
    const answer = await send(`${base}/oauth2/token`, {
      method: "POST",
      headers: { authorization: `Basic ${secret}` },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: "urn:mas:admin" }),
    });
    const { access_token: made } = (await answer.json().catch(() => ({}))) as { access_token?: string };
    if (answer.ok && made !== undefined) return made;
    const message = `${base}/oauth2/token answered ${answer.status}: is ${clientId} among policy.data.admin_clients?`;
    throw new HomeserverError(message, { status: answer.status });
  }

  return async <T>(...[method, path, body, refusals]: Parameters<Ask>): Promise<T | null> => {
    for (let attempt = 0; ; attempt++) {
      token ??= newToken();
      const current = token;
      const bearer = await current.catch((error: unknown) => {
        token = null;
        throw error;
      });
      const answer = await send(base + API + path, {
        ...{ method, headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" } },
        ...(body && { body: JSON.stringify(body) }),
      });
      if (answer.status === 401 && attempt === 0) {
        // It lives for some minutes.
        if (token === current) token = null;
        continue;
      }
      const text = await answer.text();
      if (answer.ok) return (text === "" ? {} : JSON.parse(text)) as T;
      const refusal = refusals?.[answer.status];
      if (refusal !== undefined) throw new DomainError("conflict", refusal);
      if (isOfTheApi(text) && (answer.status === 404 || answer.status === 409)) return null;
      const message = `${method} ${base}${API}${path} answered ${answer.status}: ${text.slice(0, 200)}`;
      throw new HomeserverError(message, { status: answer.status });
    }
  };
}

/** A proxy's page has no such errors. */
function isOfTheApi(text: string): boolean {
  try {
    return Array.isArray((JSON.parse(text) as { errors?: unknown }).errors);
  } catch {
    return false;
  }
}

async function send(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...request, redirect: "error", signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
  } catch (error) {
    throw new HomeserverError(`${url}: ${reasonOf(error)}`, { status: null, cause: error });
  }
}
