/** Signing in, as Wire's clients do it: `/login`, `/access`, `/access/logout`. */

import { isSecret } from "../../../domain/auth/secrets.ts";
import { DomainError } from "../../../domain/errors.ts";
import type { Accounts } from "../../../domain/use-cases/accounts.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import type { HttpApp } from "../../face/face.ts";
import { authenticateUser } from "../../requests/credentials.ts";
import { accessTokenOf, type LoginCookies, loginCookieOf, loginCookies } from "../common/authentication.ts";
import { WireRefusal } from "../shapes/failures.ts";
import { grantOf, renewing } from "./grant.ts";
import { LOGIN_ROUTES as ROUTES } from "./login-routes.ts";
import { registerOidc } from "./oidc.ts";

/** The routes that need no authentication. */
export function registerLogin(
  app: HttpApp,
  { accounts, oidc }: Pick<UseCases, "accounts" | "oidc">,
  publicUrl: () => string,
): void {
  const cookies = loginCookies(publicUrl);
  registerOidc(app, oidc, cookies, publicUrl);
  registerGrants(app, accounts, cookies);
  registerAccess(app, accounts, cookies);
}

function registerGrants(app: HttpApp, accounts: Accounts, cookies: LoginCookies): void {
  app.openapi(ROUTES.login, async (c) => {
    const { email, handle, phone, password, refresh = false } = c.req.valid("json");
    const login = email ?? handle ?? phone;
    if (login === undefined)
      throw new DomainError("bad_request", "email or handle is required", { field: "email" });
    const persistent = c.req.valid("query").persist;
    const signedIn = await accounts
      .login(login, password, { persistent, refresh, ...renewing(c) })
      .catch(refusedAs("Authentication failed."));
    cookies.set(c, signedIn.cookie, persistent ? signedIn.cookieExpiresAt : null);
    return c.json(grantOf(signedIn), 200);
  });
}

function registerAccess(app: HttpApp, accounts: Accounts, cookies: LoginCookies): void {
  app.openapi(ROUTES.access, async (c) => {
    const { refresh_token: refreshToken } = c.req.valid("json") ?? {};
    if (refreshToken !== undefined) {
      const granted = await accounts
        .refreshByToken(refreshToken, renewing(c))
        .catch(refusedAs("Invalid refresh token"));
      return c.json(grantOf(granted), 200);
    }
    const cookie = loginCookieOf(c);
    if (cookie === null) throw invalidCredentials("Missing cookie");
    const old = await oldTokenUser(accounts, accessTokenOf(c));
    const granted = await accounts.refresh(cookie, old).catch(refusedAs("Invalid user token"));
    const { renewed } = granted;
    if (renewed) cookies.set(c, renewed.cookie, renewed.cookieExpiresAt);
    return c.json(grantOf(granted), 200);
  });
  app.openapi(ROUTES.logout, async (c) => {
    const { refresh_token: refreshToken } = c.req.valid("json") ?? {};
    if (refreshToken !== undefined) {
      await accounts.logoutByToken(refreshToken).catch(refusedAs("Invalid refresh token"));
      return c.body(null, 200);
    }
    const cookie = loginCookieOf(c);
    const token = accessTokenOf(c);
    if (cookie === null && token === null) throw invalidCredentials("Missing cookie and token");
    if (cookie === null) throw invalidCredentials("Missing cookie");
    await accounts.logout(cookie, token).catch(refusedAs("Invalid user token"));
    cookies.drop(c);
    return c.body(null, 200);
  });
}

/** The user of the old access token; null when it has expired, the usual reason for a renewal. */
async function oldTokenUser(accounts: Accounts, token: string | null): Promise<number | null> {
  if (token === null) return null;
  if (!isSecret("access", token)) throw invalidCredentials("Invalid access token");
  try {
    return (await authenticateUser(accounts, token)).user.id;
  } catch (error) {
    if (error instanceof DomainError && error.code === "unauthorized") return null;
    throw error;
  }
}

function invalidCredentials(message: string): WireRefusal {
  return new WireRefusal(403, "invalid-credentials", message);
}

/** Wire answers 403 for a wrong password or cookie; 401 is for access tokens only. */
function refusedAs(message: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof DomainError && error.code === "unauthorized")) throw error;
    throw invalidCredentials(error.field === "accessToken" ? "Invalid access token" : message);
  };
}
