/** Signing in with an identity provider: `/login/oidc`, in a browser and for apps. */
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { DomainError } from "../../../domain/errors.ts";
import type { OidcOutcome, OidcReturn, OidcSignIn } from "../../../domain/use-cases/accounts.ts";
import { publicLink } from "../../../public-links.ts";
import type { HttpApp, HttpContext } from "../../face/face.ts";
import { isSecureCookie } from "../../requests/cookies.ts";
import type { LoginCookies } from "../common/authentication.ts";
import { WireRefusal } from "../shapes/failures.ts";
import { grantOf, renewing } from "./grant.ts";
import { OIDC_ROUTES as ROUTES } from "./oidc-routes.ts";

const BEGIN = "/login/oidc";
const CALLBACK = "/login/oidc/callback";
/** As long as the sealed text in it is good. */
const FLOW_S = 600;
/** Characters of the state that tell flows apart: a person may begin one in each of several tabs. */
const NAME_CHARACTERS = 12;

/** The routes that need no authentication. */
export function registerOidc(
  app: HttpApp,
  oidc: OidcSignIn | null,
  cookies: LoginCookies,
  publicUrl: () => string,
): void {
  app.openapi(ROUTES.ways, (c) => {
    const url = publicLink(publicUrl(), BEGIN);
    return c.json({ password: true as const, ...(oidc && { oidc: { name: oidc.name, url } }) }, 200);
  });
  app.openapi(ROUTES.begin, async (c) => {
    const { return: returnTo, code_challenge: challenge, persist, link } = c.req.valid("query");
    const [home, redirectUri] = [publicLink(publicUrl(), "/"), publicLink(publicUrl(), CALLBACK)];
    const begun = await known(oidc).begin({
      ...{ publicUrl: home, redirectUri, returnTo: returnTo ?? home },
      ...{ challenge: challenge ?? null, persistent: persist, link },
    });
    if (begun.outcome !== "begun") return c.redirect(placeOf(begun, home), 303);
    setCookie(c, nameOf(begun.state), begun.flow, { ...flowCookie(c, publicUrl()), maxAge: FLOW_S });
    return c.redirect(begun.url, 303);
  });
  app.openapi(ROUTES.callback, async (c) => {
    const query = new URL(c.req.url).searchParams;
    const name = nameOf(query.get("state") ?? "");
    const ended = await known(oidc).finish({
      ...{ query, flow: getCookie(c, name) ?? null, by: renewing(c) },
    });
    deleteCookie(c, name, flowCookie(c, publicUrl()));
    if (ended.outcome === "login")
      cookies.set(c, ended.login.cookie, ended.persistent ? ended.login.cookieExpiresAt : null);
    return c.redirect(placeOf(ended, publicLink(publicUrl(), "/")), 303);
  });
  registerSignOut(app, oidc, publicUrl);
  app.openapi(ROUTES.exchange, async (c) => {
    const { code, code_verifier: verifier } = c.req.valid("json");
    const signedIn = await known(oidc).exchange(code, verifier, renewing(c)).catch(refused);
    cookies.set(c, signedIn.cookie, signedIn.persistent ? signedIn.cookieExpiresAt : null);
    return c.json(grantOf(signedIn), 200);
  });
}

function registerSignOut(app: HttpApp, oidc: OidcSignIn | null, publicUrl: () => string): void {
  app.openapi(ROUTES.signOut, async (c) =>
    c.redirect(await known(oidc).signOutUrl(publicLink(publicUrl(), "/")), 303),
  );
  app.openapi(ROUTES.logout, async (c) => {
    await known(oidc).logout(c.req.valid("form").logout_token);
    return c.body(null, 200);
  });
}

function known(oidc: OidcSignIn | null): OidcSignIn {
  if (oidc) return oidc;
  throw new DomainError("not_found", "No identity provider is set (OIDC_ISSUER); sign in with a password");
}

/** The cookie of a flow. It is Lax, because the browser comes back from another site. */
function flowCookie(c: HttpContext, publicUrl: string) {
  const secure = isSecureCookie(publicUrl, c.req.url);
  return { path: CALLBACK, httpOnly: true, sameSite: "Lax", secure } as const;
}

function nameOf(state: string): string {
  return `oidc-${state.slice(0, NAME_CHARACTERS).replaceAll(/[^\w-]/g, "")}`;
}

function placeOf(ended: OidcOutcome, home: string): string {
  const { outcome } = ended;
  const returnTo = ended.returnTo ?? { kind: "page", url: home };
  if (outcome === "code") return answeredAt(returnTo, { code: ended.code });
  if (returnTo.kind === "app") return answeredAt(returnTo, { error: outcome });
  return answeredAt(returnTo, { "sign-in": outcome === "login" ? "done" : outcome });
}

/** The URL with more in its query, or for a page in its fragment, which no server sees. */
function answeredAt({ kind, url }: OidcReturn, answer: Record<string, string>): string {
  const target = new URL(url);
  if (kind === "page") target.hash = new URLSearchParams(answer).toString();
  else for (const [name, value] of Object.entries(answer)) target.searchParams.set(name, value);
  return target.href;
}

function refused(error: unknown): never {
  if (!(error instanceof DomainError && error.code === "unauthorized")) throw error;
  throw new WireRefusal(403, "invalid-credentials", error.message);
}
