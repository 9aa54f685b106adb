/** The frame of every page under `/docs`, and tables of fields. Links are relative: the public URL may have a path. */
import { html } from "hono/html";
import type { OutlineLine } from "./schema-outline.ts";

export type Html = ReturnType<typeof html>;

export function table(title: string, lines: readonly OutlineLine[]): Html {
  const rows = lines.map(
    ({ depth, name, type, required, description }) => html`<tr>
      <td class="depth-${Math.min(depth, 3)}"><code>${name}</code>${required ? "" : html`<i> optional</i>`}</td>
      <td>${type}</td><td>${description}</td></tr>`,
  );
  return html`<h3>${title}</h3><table>${rows}</table>`;
}

export interface PageFrame {
  title: string;
  /** The relative path from the page to the root of the server. */
  root: string;
  /** More elements of the page's head. */
  head?: Html;
}

export function page({ title, root, head }: PageFrame, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title}</title>
        <link rel="icon" href="${root}/web/icon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="${root}/docs/docs.css">
        ${head ?? ""}
      </head>
      <body><main>${content}</main></body>
    </html>`;
}
