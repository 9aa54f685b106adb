/** The page of the WebSocket under `/docs`: its protocol, and each op and frame with its fields. */
import { html } from "hono/html";
import { markdown, readDocument } from "./markdown.ts";
import { type Html, page, table } from "./page.ts";
import { type JsonSchema, outline } from "./schema-outline.ts";
import { DESCRIPTION, socketSchemas } from "./socket-document.ts";

export function socketPage(): Html {
  const schemas = socketSchemas();
  const { content, sections } = markdown(readDocument("protocol/PROTOCOL.md"));
  const named = (prefix: string) =>
    Object.keys(schemas)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  return page(
    { title: "WebSocket", root: ".." },
    html`<p><a href="../docs">All APIs</a></p>
      <nav><b>On this page</b>
        <ul>
          ${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
          <li><a href="#clients-say">Every op with its fields</a></li>
          <li><a href="#the-server-tells">Every frame with its fields</a></li>
        </ul>
      </nav>
      <p class="lead">${DESCRIPTION} Its schemas are also there as <a href="../openapi/socket.json">AsyncAPI 3.0</a>.</p>
      ${content}
      <h2 id="clients-say">Clients say</h2>
      ${named("client.").map((op) => asked(op, schemas))}
      <h2 id="the-server-tells">The server tells</h2>
      ${named("server.").map((op) => told(op, schemas))}`,
  );
}

function asked(op: string, schemas: Record<string, JsonSchema>): Html {
  const answer = op === "hello" ? schemas["server.ready"] : schemas[`ok.${op}`];
  return html`<details>
    <summary><code>${op}</code></summary>
    ${fields("Fields", schemas[`client.${op}`], schemas)} ${fields("Answer", answer, schemas)}
  </details>`;
}

function told(op: string, schemas: Record<string, JsonSchema>): Html {
  return html`<details>
    <summary><code>${op}</code></summary>
    ${fields("Fields", schemas[`server.${op}`], schemas)}
  </details>`;
}

function fields(
  title: string,
  schema: JsonSchema | undefined,
  schemas: Record<string, JsonSchema>,
): Html | string {
  const parts = schema?.allOf ?? schema?.anyOf ?? [schema ?? {}];
  const lines = parts.flatMap((part) => (part.anyOf ?? [part]).flatMap((one) => outline(one, schemas)));
  return lines.length > 0 ? table(title, lines) : "";
}
