/** `PUBLIC_URL` may have a path (`https://example.org/chat`) that a proxy removes. Links and cookies need it again. */
import type { MiddlewareHandler } from "hono";

/** `/chat`, or an empty text where the URL has no path. */
export function publicPath(publicUrl: string): string {
  return URL.canParse(publicUrl) ? new URL(publicUrl).pathname.replace(/\/$/, "") : "";
}

/** Adds the path to those of `Location` and of cookies. */
export function belowPublicPath(publicUrl: () => string): MiddlewareHandler {
  return async (c, next) => {
    await next();
    const path = publicPath(publicUrl());
    if (path === "") return;
    const location = c.res.headers.get("Location");
    if (location?.startsWith("/")) c.res.headers.set("Location", path + location);
    const cookies = c.res.headers.getSetCookie();
    if (cookies.length > 0) c.res.headers.delete("Set-Cookie");
    for (const cookie of cookies)
      c.res.headers.append("Set-Cookie", cookie.replace(/; Path=\//i, `; Path=${path}/`));
  };
}
