/** Signing in, renewing and signing out, before a server whose answers may be lost or refused. */
import { afterEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { SignedOut } from "../../src/client/failures.ts";
import type { Fetch } from "../../src/client/sign-in/requests.ts";
import {
  type KeptLogin,
  type Login,
  signedIn,
  signIn,
  webStorageLogin,
} from "../../src/client/sign-in/sign-in.ts";
import { apps } from "./app.ts";
import { scriptedServers } from "./scripted-server.ts";

const USER = "0d1f6c0e-user";
const SERVER = "https://chat.example.org";

/** Grants tokens of a login as the server does: a refresh token is good once. */
class Accounts {
  readonly asked: { path: string; body: Record<string, unknown>; token: string | undefined }[] = [];
  /** What becomes of the next requests; nothing: they are answered. */
  readonly tricks: ("lost" | "lost after" | number)[] = [];
  lifeSeconds = 900;
  #grants = 0;
  #refresh: string | null = null;

  readonly fetch: Fetch = async (url, { headers, body }) => {
    const path = url.slice(SERVER.length);
    const said = JSON.parse(body) as Record<string, unknown>;
    this.asked.push({ path, body: said, token: headers.Authorization });
    const trick = this.tricks.shift();
    if (trick === "lost") throw new TypeError("fetch failed");
    if (typeof trick === "number") return refusal(trick, "not-now");
    const answer = this.#answer(path, said);
    if (trick === "lost after") throw new TypeError("fetch failed");
    return answer;
  };

  #answer(path: string, { password, refresh_token }: Record<string, unknown>) {
    if (path === "/access/logout") {
      this.#refresh = null;
      return { ok: true, status: 200, json: async () => null };
    }
    const isRight = path === "/login" ? password === "secret" : refresh_token === this.#refresh;
    if (!isRight) return refusal(403, "invalid-credentials");
    const n = ++this.#grants;
    this.#refresh = `refresh-${n}`;
    const grant = {
      user: USER,
      access_token: `access-${n}`,
      expires_in: this.lifeSeconds,
      refresh_token: `refresh-${n}`,
    };
    return { ok: true, status: 200, json: async () => grant };
  }

  /** The server takes a used token once more from who lost the answer. */
  takesAgain(refreshToken: string): void {
    this.#refresh = refreshToken;
  }
}

function refusal(status: number, label: string) {
  return { ok: false, status, json: async () => ({ code: status, label, message: "No." }) };
}

function memory() {
  const storage = {
    kept: null as KeptLogin | null,
    load: () => storage.kept,
    save: (login: KeptLogin | null) => {
      storage.kept = login;
    },
  };
  return storage;
}

describe("signing in", () => {
  afterEach(() => vi.useRealTimers());

  async function ada(accounts = new Accounts(), storage = memory()) {
    const login = await signIn({
      url: `${SERVER}/`,
      handle: "ada",
      password: "secret",
      storage,
      fetch: accounts.fetch,
    });
    return { login, accounts, storage };
  }

  test("asks for a login that renews itself, and keeps it", async () => {
    const { login, accounts, storage } = await ada();
    expect(accounts.asked).toEqual([
      { path: "/login", body: { handle: "ada", password: "secret", refresh: true }, token: undefined },
    ]);
    expect(login).toMatchObject({ user: USER, url: "wss://chat.example.org/ws" });
    expect(storage.kept).toMatchObject({ accessToken: "access-1", refreshToken: "refresh-1" });
    expect(await login.token()).toMatchObject({ token: "access-1" });
    const again = await signedIn({ url: "wss://chat.example.org/ws", storage, fetch: accounts.fetch });
    expect(again).toMatchObject({ user: USER, url: login.url });
    expect(await signedIn({ url: SERVER, storage: memory() })).toBeNull();
  });

  test("an e-mail address does as well; what is refused is told", async () => {
    const accounts = new Accounts();
    const wrong = signIn({ url: SERVER, email: "ada@example.org", password: "no", fetch: accounts.fetch });
    await expect(wrong).rejects.toMatchObject({ name: "Refused", code: "invalid-credentials", retry: false });
    expect(accounts.asked[0]?.body).toMatchObject({ email: "ada@example.org" });
    accounts.tricks.push(503);
    const later = signIn({ url: SERVER, handle: "ada", password: "secret", fetch: accounts.fetch });
    await expect(later).rejects.toMatchObject({ code: "not-now", retry: true });
  });

  test("a token is renewed before it ends and when it is refused, once for all who ask", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { login, accounts, storage } = await ada();
    vi.setSystemTime(Date.now() + 820_000);
    const tokens = await Promise.all([login.token(), login.token(), login.token(true)]);
    expect(tokens.map(({ token }) => token)).toEqual(["access-2", "access-2", "access-2"]);
    expect(accounts.asked.slice(1)).toEqual([
      { path: "/access", body: { refresh_token: "refresh-1" }, token: undefined },
    ]);
    expect(storage.kept).toMatchObject({ accessToken: "access-2", refreshToken: "refresh-2" });
    expect(await login.token(true)).toMatchObject({ token: "access-3" });
  });

  test("a renewal whose answer was lost is asked for again with the same refresh token", async () => {
    const { login, accounts } = await ada();
    accounts.tricks.push("lost", "lost after");
    const renewed = login.token(true);
    await vi.waitFor(() => expect(accounts.asked.length).toBe(3), { timeout: 5_000 });
    accounts.takesAgain("refresh-1");
    expect(await renewed).toMatchObject({ token: "access-3" });
    expect(accounts.asked.slice(1).map(({ body }) => body.refresh_token)).toEqual(Array(3).fill("refresh-1"));
  });

  test("after 10 s without an answer the failure is told, and the login lives", async () => {
    const { login, accounts, storage } = await ada();
    vi.useFakeTimers();
    accounts.tricks.push(...Array<"lost">(6).fill("lost"));
    const renewed = login.token(true).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10_000);
    const error = await renewed;
    expect(error).toBeInstanceOf(TypeError);
    expect(storage.kept).not.toBeNull();
    accounts.tricks.length = 0;
    expect(await login.token(true)).toMatchObject({ token: "access-2" });
  });

  test("a refused refresh token ends the login for good, a server in trouble does not", async () => {
    const { login, accounts, storage } = await ada();
    accounts.tricks.push(503);
    await expect(login.token(true)).rejects.toMatchObject({ name: "Refused", retry: true });
    accounts.tricks.push(403);
    await expect(login.token(true)).rejects.toBeInstanceOf(SignedOut);
    expect(storage.kept).toBeNull();
    expect(login.user).toBeNull();
    await expect(login.token()).rejects.toBeInstanceOf(SignedOut);
  });

  test("two windows that keep one login do not use a refresh token twice", async () => {
    const { login, accounts, storage } = await ada();
    const other = (await signedIn({ url: SERVER, storage, fetch: accounts.fetch })) as Login;
    expect(await other.token(true)).toMatchObject({ token: "access-2" });
    expect(await login.token(true)).toMatchObject({ token: "access-2" });
    expect(await login.token(true)).toMatchObject({ token: "access-3" });
  });

  test("signing out ends the login there and here", async () => {
    const { login, accounts, storage } = await ada();
    accounts.tricks.push("lost");
    await expect(login.signOut()).rejects.toBeInstanceOf(TypeError);
    expect(storage.kept).not.toBeNull();
    await login.signOut();
    await login.signOut();
    const { path, body, token } = accounts.asked.at(-1) ?? {};
    expect({ path, body, token }).toEqual({
      path: "/access/logout",
      body: { refresh_token: "refresh-1" },
      token: "Bearer access-1",
    });
    expect(accounts.asked.length).toBe(3);
    expect(storage.kept).toBeNull();
  });

  test("a browser's storage keeps a login, and a broken text is none", () => {
    const texts = new Map<string, string>();
    const storage = webStorageLogin(
      {
        getItem: (key) => texts.get(key) ?? null,
        setItem: (key, value) => void texts.set(key, value),
        removeItem: (key) => void texts.delete(key),
      },
      "login",
    );
    const kept: KeptLogin = { user: USER, accessToken: "a", expiresAt: 1, lifeMs: 1 };
    expect(storage.load()).toBeNull();
    void storage.save(kept);
    expect(storage.load()).toEqual(kept);
    void storage.save(null);
    expect(storage.load()).toBeNull();
    texts.set("login", "{");
    expect(storage.load()).toBeNull();
  });
});

describe("a session and its token", () => {
  const start = scriptedServers();
  const app = apps();

  test("goes on with the next token before its own ends", async () => {
    const server = await start();
    let n = 0;
    const token = () => ({ token: `token ${++n}`, expiresAt: Date.now() + (n === 1 ? 1_000 : 1e12) });
    const { client, states } = app({ url: server.url, token });
    await client.connect();
    expect(await server.hears("token")).toMatchObject({ token: "token 2" });
    expect(client.state).toEqual({ name: "online" });
    expect(states.map(({ name }) => name)).toEqual(["connecting", "online"]);
    expect(server.heard.filter(({ op }) => op === "hello")).toHaveLength(1);
  });

  test("goes on with its own where the server knows no such op", async () => {
    const server = await start();
    server.script = ({ op }) =>
      op === "token" ? { op: "error", code: "bad_request", retry: false } : undefined;
    let n = 0;
    const { client } = app({
      url: server.url,
      token: () => ({ token: `token ${++n}`, expiresAt: Date.now() + 1_000 }),
    });
    await client.connect();
    await server.hears("token");
    await client.send("r", "Still here");
    expect(client.state).toEqual({ name: "online" });
  });

  test("a login is all that a client needs", async () => {
    const server = await start();
    const accounts = new Accounts();
    const login = await signIn({ url: SERVER, handle: "ada", password: "secret", fetch: accounts.fetch });
    const { client, until } = app({ ...login, url: server.url });
    await client.connect();
    expect(server.heard[0]).toMatchObject({ op: "hello", token: "access-1" });
    await login.signOut();
    server.closeAll(4501);
    await until("the end", () => client.state.name === "ended");
    expectTypeOf(createClient).toBeCallableWith(login);
  });
});
