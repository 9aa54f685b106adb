/** Who this tab is: signs in, renews the access token before it ends, signs out. */
import { SignedOut } from "../client/failures.ts";

/** What a tab keeps of its login in `sessionStorage`; another tab may be another person. */
export interface Login {
  /** The person's UUID. */
  user: string;
  /** What was typed to sign in. */
  name: string;
  token: string;
  /** When the token ends, ms. */
  endsAt: number;
  /** Whether an identity provider signed them in. */
  byProvider?: boolean;
}

interface Grant {
  user: string;
  access_token: string;
  expires_in: number;
}

const KEY = "causeway.login";
/** A token that ends sooner is renewed first. */
const RENEW_BEFORE_MS = 60_000;
const NOT_OURS = "Another tab signed in as somebody else. Sign in again to go on.";

/** The login that this tab had before a reload, or null. */
export function keptLogin(): Login | null {
  const text = sessionStorage.getItem(KEY);
  return text === null ? null : (JSON.parse(text) as Login);
}

/** Throws an Error with words for people when the server will not let them in. */
export async function signIn(name: string, password: string): Promise<Login> {
  const answer = await askLogin(name, password);
  if (!answer.ok) throw new Error(await problemOf(answer));
  return keep(name, (await answer.json()) as Grant);
}

/** How a sign-in with the identity provider ended, by the words in the address. */
const ENDED: Record<string, string> = {
  denied: "The identity provider did not let you in.",
  expired: "That sign-in was begun elsewhere, or too long ago. Begin again.",
  failed: "The answer of the identity provider could not be used. Try again.",
  refused: "You may not sign in this way. Ask whoever runs this server.",
  unavailable: "The identity provider can't be reached. Try again, or sign in with your password.",
};

/** The identity provider: what people call it, and where to begin. Null where there is none, or it can't be told now. */
export async function identityProvider(): Promise<{ name: string; url: string } | null> {
  const answer = await fetch("login", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return null;
  const { oidc } = (await answer.json()) as { oidc?: { name: string; url: string } };
  return oidc ?? null;
}

/**
 * The login of somebody who comes back from the identity provider; null for everybody else.
 * Throws an Error with words for people when it failed.
 */
export async function signedInByProvider(): Promise<Login | null> {
  const ended = new URLSearchParams(location.hash.slice(1)).get("sign-in");
  if (ended === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  if (ended !== "done") throw new Error(ENDED[ended] ?? ENDED.failed);
  const answer = await post("access", {});
  if (!answer.ok) throw new Error(await problemOf(answer));
  const grant = (await answer.json()) as Grant;
  const self = await fetch("self", { headers: { Authorization: `Bearer ${grant.access_token}` } });
  const { handle = "" } = self.ok ? ((await self.json()) as { handle?: string }) : {};
  return keep(handle, grant, true);
}

/**
 * Forgets everything that this tab knows. The tokens end by themselves when it can't be said now.
 * @returns whether there is a provider to sign out at, too
 */
export async function signOut(): Promise<boolean> {
  const login = keptLogin();
  sessionStorage.clear();
  if (login) await post("access/logout", { Authorization: `Bearer ${login.token}` }).catch(() => undefined);
  return login?.byProvider === true;
}

/** The login is over, what the tab has read and not sent is not. */
export function forgetLogin(): void {
  sessionStorage.removeItem(KEY);
}

/**
 * Gives the access token for the next connection, as the SDK asks for it.
 *
 * All tabs of a browser share the one cookie that renews tokens, so it may belong to whoever signed in last. For that
 * case the password stays in this tab's memory, and nowhere else, until the tab is closed or reloaded.
 */
export function tokenSource(first: Login, password: string | null): (refused: boolean) => Promise<string> {
  let login = first;
  return async (refused) => {
    if (!refused && login.endsAt - Date.now() > RENEW_BEFORE_MS) return login.token;
    login = (await renewed(login)) ?? (await signedInAgain(login, password));
    return login.token;
  };
}

/** Null when the cookie is not ours, or over. Throws when the server can't say now. */
async function renewed({ name, token, user, byProvider }: Login): Promise<Login | null> {
  const answer = await post("access", { Authorization: `Bearer ${token}` });
  if (answer.status === 401 || answer.status === 403) return null;
  if (!answer.ok) throw new Error(await problemOf(answer));
  const grant = (await answer.json()) as Grant;
  return grant.user === user ? keep(name, grant, byProvider) : null;
}

async function signedInAgain({ name, user }: Login, password: string | null): Promise<Login> {
  if (password === null) throw new SignedOut(NOT_OURS);
  const answer = await askLogin(name, password);
  if (answer.status === 401 || answer.status === 403) throw new SignedOut(await problemOf(answer));
  if (!answer.ok) throw new Error(await problemOf(answer));
  const grant = (await answer.json()) as Grant;
  if (grant.user !== user) throw new SignedOut(NOT_OURS);
  return keep(name, grant);
}

function askLogin(name: string, password: string): Promise<Response> {
  return post("login", {}, { [name.includes("@") ? "email" : "handle"]: name, password });
}

function keep(name: string, grant: Grant, byProvider = false): Login {
  const endsAt = Date.now() + grant.expires_in * 1_000;
  const login = { user: grant.user, name, token: grant.access_token, endsAt, byProvider };
  sessionStorage.setItem(KEY, JSON.stringify(login));
  return login;
}

function post(path: string, headers: Record<string, string>, body?: object): Promise<Response> {
  const json = body && { body: JSON.stringify(body) };
  return fetch(path, {
    method: "POST",
    headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }), ...headers },
    ...json,
  });
}

async function problemOf(answer: Response): Promise<string> {
  const body = (await answer.json().catch(() => null)) as { message?: unknown } | null;
  return typeof body?.message === "string" ? body.message : `The server answered ${answer.status}`;
}
