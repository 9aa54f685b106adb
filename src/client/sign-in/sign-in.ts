/**
 * Signing in with a password, for apps that keep the login themselves: an access token for minutes, and a refresh token that
 * gets the next one. Both are in a storage of the app, so that a start of the app needs no password.
 *
 *     const login = await signIn({ url: "https://chat.example.org", handle: "ada", password, storage });
 *     const client = createClient(login);
 *     …
 *     await login.signOut();
 */
import { type Refused, SignedOut } from "../failures.ts";
import { type Answer, type Fetch, Requests } from "./requests.ts";

/** What has to outlive the app. It is as secret as a password. */
export interface KeptLogin {
  /** The user's UUID. */
  user: string;
  accessToken: string;
  /** When the access token ends, ms. */
  expiresAt: number;
  /** How long the access token lived when it was made, ms. */
  lifeMs: number;
  /** Missing where the server gives none: the login ends with its access token. */
  refreshToken?: string;
}

/** Keeps the login of one person on one device. `save(null)` forgets it. */
export interface LoginStorage {
  load(): KeptLogin | null | Promise<KeptLogin | null>;
  save(login: KeptLogin | null): void | Promise<void>;
}

export interface SignedInOptions {
  /** Of the server: `https://chat.example.org`; the URL of its socket will do as well. */
  url: string;
  /** In memory when unset: the login ends with the app. */
  storage?: LoginStorage;
  /** The platform's when unset. */
  fetch?: Fetch;
}
export type SignInOptions = SignedInOptions & { password: string } & (
    | { handle: string; email?: never }
    | { email: string; handle?: never }
  );

/** A token that ends sooner is renewed before it is given; of a short-lived one, in the last quarter of its life. */
const RENEW_BEFORE_MS = 90_000;

/** Signs in. Rejects with `Refused` where the server will not have it: `label` of the answer is its `code`. */
export async function signIn(options: SignInOptions): Promise<Login> {
  const { url, handle, email, password } = options;
  const requests = new Requests(url, options.fetch);
  const who = handle === undefined ? { email } : { handle };
  const answer = await requests.post("/login", { ...who, password, refresh: true });
  if (answer.refused) throw answer.refused;
  const login = new Login(options, keptOf(answer.grant));
  await login.keep();
  return login;
}

/** The login of an earlier start of the app; null where nobody is signed in. */
export async function signedIn(options: SignedInOptions & { storage: LoginStorage }): Promise<Login | null> {
  const kept = await options.storage.load();
  return kept && new Login(options, kept);
}

/** Somebody who is signed in: `createClient(login)`, or `createClient({ ...login, …more })`. */
export class Login {
  /** The URL of the socket. */
  readonly url: string;
  /** A token for the socket and the HTTP APIs, renewed where it is time. Throws {@link SignedOut} where the login is over. */
  readonly token: (refused?: boolean) => Promise<{ token: string; expiresAt: number }>;
  readonly #requests: Requests;
  readonly #storage: LoginStorage | undefined;
  #kept: KeptLogin | null;
  /** The renewal that is under way: whoever needs a token waits for the same one. */
  #renewal: Promise<KeptLogin> | null = null;

  constructor({ url, storage, fetch }: SignedInOptions, kept: KeptLogin) {
    this.#requests = new Requests(url, fetch);
    this.#storage = storage;
    this.#kept = kept;
    this.url = this.#requests.socketUrl;
    this.token = (refused = false) => this.#token(refused);
  }

  /** The user's UUID; null after {@link Login.signOut}. */
  get user(): string | null {
    return this.#kept?.user ?? null;
  }

  async keep(): Promise<void> {
    await this.#storage?.save(this.#kept);
  }

  /** Ends the login on the server and forgets it here, in this order. Sessions of it end within 10 s; `disconnect` the client. */
  async signOut(): Promise<void> {
    await this.#renewal?.catch(() => {
      // It is over as well, or ends with the server's login below.
    });
    const kept = this.#kept;
    if (!kept) return;
    const { accessToken, refreshToken } = kept;
    const answer = await this.#requests.post(
      "/access/logout",
      refreshToken === undefined ? {} : { refresh_token: refreshToken },
      accessToken,
    );
    // A login that is over already is what was asked for.
    if (answer.refused?.retry) throw answer.refused;
    await this.#forget();
  }

  async #token(refused: boolean): Promise<{ token: string; expiresAt: number }> {
    const kept = this.#kept;
    if (!kept) throw new SignedOut();
    const isFresh = kept.expiresAt - Date.now() > Math.min(RENEW_BEFORE_MS, kept.lifeMs / 4);
    const { accessToken, expiresAt } = isFresh && !refused ? kept : await this.#renewed(kept);
    return { token: accessToken, expiresAt };
  }

  #renewed(kept: KeptLogin): Promise<KeptLogin> {
    this.#renewal ??= this.#renew(kept).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(kept: KeptLogin): Promise<KeptLogin> {
    // Another window of the app may have renewed the login that both keep.
    const stored = (await this.#storage?.load()) ?? kept;
    if (stored.user === kept.user && stored.accessToken !== kept.accessToken) {
      this.#kept = stored;
      if (stored.expiresAt > Date.now()) return stored;
    }
    const { refreshToken } = this.#kept ?? kept;
    if (refreshToken === undefined) return await this.#over();
    const answer = await this.#requests.renew(refreshToken);
    if (answer.refused?.retry === false) return await this.#over(answer.refused);
    if (answer.refused) throw answer.refused;
    // The refresh token is another from now on, so it is kept before anybody uses what came with it.
    this.#kept = { ...keptOf(answer.grant), user: kept.user };
    await this.keep();
    return this.#kept;
  }

  async #over(refused?: Refused): Promise<never> {
    await this.#forget();
    throw new SignedOut(refused?.message);
  }

  async #forget(): Promise<void> {
    this.#kept = null;
    await this.keep();
  }
}

function keptOf(grant: NonNullable<Answer["grant"]>): KeptLogin {
  const lifeMs = grant.expires_in * 1_000;
  return {
    user: grant.user,
    accessToken: grant.access_token,
    expiresAt: Date.now() + lifeMs,
    lifeMs,
    ...(grant.refresh_token !== undefined && { refreshToken: grant.refresh_token }),
  };
}

/** Keeps the login in a browser's `localStorage` or `sessionStorage`, under `key`. Scripts of the page can read it there. */
export function webStorageLogin(
  storage: {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
    removeItem(key: string): void;
  },
  key: string,
): LoginStorage {
  return {
    load: () => parsed(storage.getItem(key)),
    save: (login) => (login ? storage.setItem(key, JSON.stringify(login)) : storage.removeItem(key)),
  };
}

/** Null for a text that is no login. */
function parsed(text: string | null): KeptLogin | null {
  try {
    const kept = JSON.parse(text ?? "null") as KeptLogin | null;
    return typeof kept?.accessToken === "string" ? kept : null;
  } catch {
    return null;
  }
}
