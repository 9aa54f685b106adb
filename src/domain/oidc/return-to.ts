/** Where somebody may be sent after signing in: to a page of this server, or to an app that the operator named. */
import { badField } from "../errors.ts";
import type { OidcReturn } from "../use-cases/accounts.ts";

/** Of the URL as it is sent: sealed and with the rest of the flow it fits into a cookie, which may have 4,096 bytes. */
const MAX_LENGTH = 2_000;
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)$/;

/**
 * @param given a path of this server or a whole URL
 * @param apps origins (`https://app.example.org`; `http://127.0.0.1` for every port) and schemes (`com.example.app:`)
 * @throws DomainError `bad_request` on `return`
 */
export function checkReturnTo(given: string, publicUrl: string, apps: readonly string[]): OidcReturn {
  // Browsers read a backslash as a slash, and drop line breaks and tabs.
  const isPlain = given.length <= MAX_LENGTH && !/[\s\\\p{Cc}]/u.test(given);
  const url = isPlain && URL.canParse(given, publicUrl) ? new URL(given, publicUrl) : null;
  if (url && url.href.length <= MAX_LENGTH && url.username === "" && url.password === "") {
    if (url.origin === new URL(publicUrl).origin && /^https?:$/.test(url.protocol))
      return { kind: "page", url: url.href };
    if (apps.some((app) => allows(app, url))) return { kind: "app", url: url.href };
  }
  throw badField("return", "must be a page of this server, or of an app that OIDC_APPS names");
}

function allows(app: string, url: URL): boolean {
  if (!app.includes("://")) return url.protocol === app.toLowerCase();
  // An app on somebody's own machine listens on any free port (RFC 8252, section 7.3).
  if (LOOPBACK.test(app)) return `${url.protocol}//${url.hostname}` === app;
  return url.origin === app;
}
