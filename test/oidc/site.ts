/** The whole server, with a real identity provider beside it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../../src/app/server.ts";
import { readConfig } from "../../src/config.ts";
import { Browser } from "./browser.ts";
import { CLIENT, type IdentityProvider, startIdentityProvider } from "./identity-provider.ts";

export const APP = "com.example.app:/signed-in";
const ADMIN_TOKEN = "a token of the operators";

export interface OidcSite {
  url: string;
  idp: IdentityProvider;
  /** A JSON request to the server. */
  call(method: string, path: string, json?: object, headers?: Record<string, string>): Promise<CallAnswer>;
  /** The same, as an operator. */
  admin(method: string, path: string, json?: object): Promise<CallAnswer>;
  /** Signs the subject in with a browser. @returns where the browser is in the end */
  signIn(subject: string, browser?: Browser, query?: string): Promise<URL>;
  /** Who the login of a browser is. */
  self(browser: Browser): Promise<CallAnswer>;
  close(): Promise<void>;
}

export interface CallAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any;
}

/** @param settings beside those that the provider needs */
export async function openOidcSite(
  databaseUrl: string,
  settings: Record<string, string> = {},
): Promise<OidcSite> {
  const idp = await startIdentityProvider();
  const dataDir = mkdtempSync(join(tmpdir(), "causeway-oidc-"));
  const config = readConfig({
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: "memory", DATA_DIR: dataDir, PORT: "0", LOG_LEVEL: "silent" },
    ...{ MATRIX_HOMESERVER_URL: "off", DEMO: "off", ADMIN_TOKEN, RATE_LIMITS: "off" },
    ...{ OIDC_ISSUER: idp.issuer, OIDC_CLIENT_ID: CLIENT.id, OIDC_CLIENT_SECRET: CLIENT.secret },
    ...{ OIDC_APPS: "com.example.app:,https://app.example.org", WEBHOOK_ALLOW_PRIVATE: "true" },
    ...settings,
  });
  const server = await startServer(config, () => {});
  const url = server.url;
  idp.open({ redirect_uris: [`${url}/login/oidc/callback`] });

  const call: OidcSite["call"] = async (method, path, json, headers = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: { ...(json && { "content-type": "application/json" }), ...headers },
      ...(json && { body: JSON.stringify(json) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json");
    return { status: answer.status, json: isJson ? JSON.parse(text) : text };
  };
  return {
    ...{ url, idp, call },
    admin: (method, path, json) =>
      call(method, `/admin/v1${path}`, json, { authorization: `Bearer ${ADMIN_TOKEN}` }),
    async signIn(subject, browser = new Browser(), query = "") {
      idp.person = subject;
      // Whoever was signed in at the provider before is not any more.
      browser.cookies.delete(idp.issuer);
      return await browser.follow(
        `${url}/login/oidc${query}`,
        (at) =>
          at.pathname !== "/login/oidc/callback" && at.pathname !== "/login/oidc" && at.origin !== idp.issuer,
      );
    },
    async self(browser) {
      const granted = await browser.get(`${url}/access`, { method: "POST" });
      if (granted.status !== 200) return { status: granted.status, json: JSON.parse(granted.text) };
      const { access_token: token } = JSON.parse(granted.text) as { access_token: string };
      return await call("GET", "/self", undefined, { authorization: `Bearer ${token}` });
    },
    async close() {
      idp.close();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
