/** What a browser does for a page of another site: it sends what it remembers along, and nothing of ours tells it not to. */
import type { HttpContext } from "./face.ts";

/**
 * Whether a browser asks. It says so in one of these headers: which of them depends on the browser, on TLS and on the
 * kind of request. All browsers' names begin with Mozilla.
 */
export function isFromBrowser({ req }: HttpContext): boolean {
  if (["Sec-Fetch-Site", "Sec-Fetch-Mode", "Origin"].some((name) => req.header(name) !== undefined))
    return true;
  return /^Mozilla\//.test(req.header("User-Agent") ?? "");
}

const FORMS = /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

/** Whether any page of any site can make a browser send such a request: a form, or a POST that says nothing of a body. */
export function isOpenToForms({ req }: HttpContext): boolean {
  const type = req.header("Content-Type");
  return type === undefined ? req.method === "POST" : FORMS.test(type);
}
