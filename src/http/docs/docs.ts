/** `/openapi/{api}.json` and `/docs`, made from the schemas that validate requests; the WebSocket beside the HTTP APIs. */
import { readFileSync } from "node:fs";
import { Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { type KeptPage, keptPage } from "../answers/kept-page.ts";
import { publicPath } from "../answers/public-path.ts";
import type { Face, HttpEnv, OpenApiDocument } from "../face/face.ts";
import { ERROR_TYPES } from "../protocol/failures.ts";
import { CONSOLE_FILES, readConsoleFile } from "./console.ts";
import { apiPage, errorPage, overviewPage } from "./pages.ts";
import { socketDocument } from "./socket-document.ts";
import { socketPage } from "./socket-page.ts";

export const DOCS_PATHS = ["/docs", "/openapi"] as const;

/** Pages run Swagger UI and try requests on this server. Its icons are data: URLs. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
const HTML = "text/html; charset=utf-8";

type Render = () => unknown;

/** Each document is rendered at the first request and then cached, because rendering takes tens of milliseconds. */
export function createDocs(faces: readonly Face[], publicUrl: () => string): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.use(etag({ retainedHeaders: [...RETAINED_304_HEADERS, "Content-Security-Policy"] }));
  const serve = (path: string, type: string, render: Render) => {
    let kept: Promise<KeptPage> | null = null;
    app.get(path, async (c) => {
      kept ??= rendered(render);
      const { bytes, tag } = await kept;
      const headers = { "Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache", ETag: tag };
      return c.body(bytes, 200, { ...headers, "Content-Type": type });
    });
  };
  serve("/docs/docs.css", "text/css; charset=utf-8", () =>
    readFileSync(new URL("./docs.css", import.meta.url), "utf8"),
  );
  for (const [path, { type, file }] of Object.entries(CONSOLE_FILES))
    serve(`/docs/${path}`, type, () => readConsoleFile(file));
  serve("/docs", HTML, () => overviewPage(faces, publicUrl()));
  for (const face of faces) {
    serve(`/openapi/${face.name}.json`, "application/json", () =>
      JSON.stringify(below(publicUrl(), face.document())),
    );
    serve(`/docs/${face.name}`, HTML, () => apiPage(face));
  }
  serve("/openapi/socket.json", "application/json", () => JSON.stringify(socketDocument(publicUrl())));
  serve("/docs/socket", HTML, socketPage);
  for (const [type, meaning] of Object.entries(ERROR_TYPES))
    serve(`/docs/errors/${type}`, HTML, () => errorPage(type, meaning));
  return app;
}

/** The document for servers whose public URL has a path. */
function below(publicUrl: string, document: OpenApiDocument): OpenApiDocument {
  const path = publicPath(publicUrl);
  return { ...document, servers: document.servers?.map(({ url }) => ({ url: path + url })) ?? [] };
}

async function rendered(render: Render): Promise<KeptPage> {
  const content = await render();
  return keptPage(
    content instanceof Uint8Array ? new Uint8Array(content) : new TextEncoder().encode(String(content)),
  );
}
