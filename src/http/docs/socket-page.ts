/** The page of the WebSocket under `/docs`: what clients say with what answers it, and what the server tells. */
import { html } from "hono/html";
import { type Html, page, table } from "./page.ts";
import { type JsonSchema, outline } from "./schema-outline.ts";
import { DESCRIPTION, socketSchemas } from "./socket-document.ts";

export function socketPage(): Html {
  const schemas = socketSchemas();
  const named = (prefix: string) =>
    Object.keys(schemas)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  return page(
    { title: "WebSocket", root: ".." },
    html`<p><a href="../docs">All APIs</a></p>
      <h1>WebSocket</h1>
      <p class="lead">${DESCRIPTION}</p>
      <p>The same as <a href="../openapi/socket.json">AsyncAPI 3.0</a>.</p>
      <h2>Clients say</h2>
      ${named("client.").map((op) => asked(op, schemas))}
      <h2>The server tells</h2>
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
