/** `/openapi/{api}.json` and `/docs`: both are made from the schemas that validate requests. */
import { readFileSync } from "node:fs";
import { Hono } from "hono";
import type { Face, HttpEnv } from "../face.ts";
import { ERROR_TYPES } from "../protocol/failures.ts";
import { apiPage, errorPage, overviewPage } from "./pages.ts";

export const DOCS_PATHS = ["/docs", "/openapi"] as const;

const PAGE_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'",
  "Cache-Control": "no-cache",
};

export function createDocs(faces: readonly Face[]): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  const style = readFileSync(new URL("./docs.css", import.meta.url), "utf8");
  app.get("/docs/docs.css", (c) =>
    c.body(style, 200, { ...PAGE_HEADERS, "Content-Type": "text/css; charset=utf-8" }),
  );
  app.get("/docs", (c) => c.html(overviewPage(faces), 200, PAGE_HEADERS));
  for (const face of faces) {
    app.get(`/openapi/${face.name}.json`, (c) =>
      c.json(face.document(), 200, { "Cache-Control": "no-cache" }),
    );
    app.get(`/docs/${face.name}`, (c) => c.html(apiPage(face), 200, PAGE_HEADERS));
  }
  for (const [type, meaning] of Object.entries(ERROR_TYPES))
    app.get(`/docs/errors/${type}`, (c) => c.html(errorPage(type, meaning), 200, PAGE_HEADERS));
  return app;
}
