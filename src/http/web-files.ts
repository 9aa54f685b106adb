/** The web page and the browser modules that it imports, read from the build's output folder. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { type KeptPage, keptPage } from "./answers/kept-page.ts";
import type { HttpEnv } from "./face/face.ts";

const TYPES: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  html: "text/html; charset=utf-8",
  map: "application/json",
};

/** The page runs our own modules and talks to this server (and shows pictures from wherever they are). */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: https: http:",
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Folders of the output that browsers may read. Nothing of the server is among them. */
const FOLDERS = ["web", "client", "protocol"] as const;
export const WEB_PATHS = FOLDERS.map((folder) => `/${folder}`);

/** Names without a leading dot, joined by single slashes: nothing in it can climb out of a folder. */
const SAFE_PATH = /^\/\w[\w.-]*(\/\w[\w.-]*)+\.(js|css|svg|html|map)$/;

export function createWebFiles(webRoot: URL | string): Hono<HttpEnv> {
  const root = webRoot instanceof URL || webRoot.startsWith("file:") ? fileURLToPath(webRoot) : webRoot;
  const app = new Hono<HttpEnv>();
  // A 304 replaces the headers that the browser keeps: without the page's own policy the next visit could run nothing.
  app.use(etag({ retainedHeaders: [...RETAINED_304_HEADERS, "Content-Security-Policy"] }));
  const kept = new Map<string, KeptPage>();
  const fileAt = async (path: string) => {
    const bytes = kept.has(path) ? null : await readIfThere(join(root, path));
    if (bytes) kept.set(path, keptPage(bytes));
    return kept.get(path);
  };
  app.get("*", async (c, next) => {
    const path = c.req.path === "/" ? "/web/index.html" : c.req.path;
    const [, extension = ""] = SAFE_PATH.exec(path)?.slice(1) ?? [];
    const file = extension === "" ? undefined : await fileAt(path);
    if (!file) return await next();
    return c.body(file.bytes, 200, {
      ETag: file.tag,
      "Content-Type": TYPES[extension] as string,
      "Content-Security-Policy": PAGE_POLICY,
      // A new release must be seen at once; the ETag makes asking cheap.
      "Cache-Control": "no-cache",
    });
  });
  return app;
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR" || code === "ENOTDIR") return null;
    throw error;
  }
}
