/** Recognizes browsers, because a browser adds remembered credentials to requests of pages on other sites. */
import type { HttpContext } from "./face.ts";

/**
 * Whether a request is from a browser. Which of these headers it sends depends on the browser, TLS and the kind of request.
 * The User-Agent of all browsers begins with Mozilla.
 */
export function isFromBrowser({ req }: HttpContext): boolean {
  if (["Sec-Fetch-Site", "Sec-Fetch-Mode", "Origin"].some((name) => req.header(name) !== undefined))
    return true;
  return /^Mozilla\//.test(req.header("User-Agent") ?? "");
}

const FORMS = /^\s*(application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

/** Whether a page of any site can make a browser send such a request: a form, or a POST without a content type. */
export function isOpenToForms({ req }: HttpContext): boolean {
  const type = req.header("Content-Type");
  return type === undefined ? req.method === "POST" : FORMS.test(type);
}
