/** Swagger UI, from this server: its script and style, and the script that starts it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { html } from "hono/html";
import type { Html } from "./page.ts";

const require = createRequire(import.meta.url);

/** What the page loads besides its own style, by the path under `/docs`. */
export const CONSOLE_FILES = {
  "console/swagger-ui.css": { type: "text/css; charset=utf-8", file: "swagger-ui-dist/swagger-ui.css" },
  "console/swagger-ui.js": {
    type: "text/javascript; charset=utf-8",
    file: "swagger-ui-dist/swagger-ui-bundle.js",
  },
} as const;

export function readConsoleFile(file: string): Buffer {
  return readFileSync(require.resolve(file));
}

/**
 * The elements in a page's head that draw an API's operations into `#console`.
 * @param root the relative path from the page to the root of the server
 */
export function consoleOf(api: string, root: string): Html {
  return html`<link rel="stylesheet" href="${root}/docs/console/swagger-ui.css">
    <script src="${root}/docs/console/swagger-ui.js" defer></script>
    <script type="module" src="${root}/web/docs-console.js" data-document="${root}/openapi/${api}.json"></script>`;
}
