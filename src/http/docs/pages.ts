/** The pages under `/docs`, rendered from the OpenAPI documents. Links are relative: the public URL may have a path. */
import { setImmediate } from "node:timers/promises";
import { html } from "hono/html";
import type { Face, OpenApiDocument } from "../face/face.ts";
import { type Html, page, table } from "./page.ts";
import { boundsOf, type JsonSchema, outline, typeOf } from "./schema-outline.ts";
import { DESCRIPTION } from "./socket-document.ts";

type Schemas = Record<string, JsonSchema>;

/** The part of OpenAPI that our documents use. */
interface Operation {
  summary?: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: JsonSchema }> }>;
}
const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** Renders each API's document in its own turn of the event loop: all at once would block sessions for 0.3 s. */
export async function overviewPage(faces: readonly Face[]): Promise<Html> {
  const cards: Html[] = [];
  for (const face of faces) {
    await setImmediate();
    const { info, paths = {} } = face.document();
    const count = Object.values(paths).flatMap((item) => METHODS.filter((method) => method in item)).length;
    cards.push(html`<a class="card" href="docs/${face.name}">
      <h2>${info.title}</h2>
      <p>${info.description ?? ""}</p>
      <p class="soft">${count} operations · OpenAPI: /openapi/${face.name}.json</p>
    </a>`);
  }
  cards.push(html`<a class="card" href="docs/socket">
    <h2>WebSocket</h2>
    <p>${DESCRIPTION}</p>
    <p class="soft">AsyncAPI: /openapi/socket.json</p>
  </a>`);
  return page(
    { title: "Causeway", root: "." },
    html`<h1>Causeway</h1>
      <p class="lead">A realtime chat server in which every chatroom is also a Matrix room. These are its HTTP APIs;
        apps talk over the WebSocket at <code>/ws</code>.</p>
      <div class="cards">${cards}</div>`,
  );
}

export function apiPage(face: Face): Html {
  const document = face.document();
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  const operations = operationsOf(document);
  const base = document.servers?.[0]?.url ?? "/";
  return page(
    { title: document.info.title, root: ".." },
    html`<p><a href="../docs">All APIs</a></p>
      <h1>${document.info.title}</h1>
      <p class="lead">${document.info.description ?? ""}</p>
      <p>Base URL: <code>${base}</code>. Authentication: ${securityOf(document)}.
        The same as <a href="../openapi/${face.name}.json">OpenAPI 3.1</a>.</p>
      ${operations.map(([method, path, operation]) => operationSection(method, path, operation, schemas))}`,
  );
}

/** The page behind a `documentation_url` of the Protocol API. */
export function errorPage(type: string, meaning: string): Html {
  return page(
    { title: type, root: "../.." },
    html`<p><a href="../protocol">Protocol API</a></p>
      <h1><code>${type}</code></h1>
      <p class="lead">${meaning}</p>`,
  );
}

function operationsOf(document: OpenApiDocument): [string, string, Operation][] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method] as Operation | undefined;
      return operation ? [[method, path, operation] as [string, string, Operation]] : [];
    }),
  );
}

function securityOf(document: OpenApiDocument): Html[] | string {
  const schemes = Object.values(document.components?.securitySchemes ?? {});
  const names = schemes.map(
    (scheme) =>
      ("name" in scheme && scheme.name) ||
      `Authorization: ${"scheme" in scheme && scheme.scheme === "basic" ? "Basic" : "Bearer"} …`,
  );
  return names.map((name, index) => html`${index > 0 ? " or " : ""}<code>${name}</code>`);
}

function operationSection(method: string, path: string, operation: Operation, schemas: Schemas): Html {
  const { summary = "", parameters = [], requestBody, responses } = operation;
  const sent = requestBody?.content["application/json"]?.schema;
  return html`<details>
    <summary><b class="${method}">${method.toUpperCase()}</b> <code>${path}</code> <span>${summary}</span></summary>
    ${operation.security?.length === 0 ? html`<p class="soft">No authentication.</p>` : ""}
    ${parameters.length > 0 ? table("Parameters", parameters.map(parameterLine(schemas))) : ""}
    ${sent ? table("Body", outline(sent, schemas)) : ""}
    ${responseSection(responses, schemas)}
  </details>`;
}

function parameterLine(schemas: Schemas) {
  return ({
    name,
    required = false,
    schema,
    ...parameter
  }: NonNullable<Operation["parameters"]>[number]) => ({
    ...{ depth: 0, name, required, type: `${typeOf(schema, schemas)}, in ${parameter.in}` },
    description: [schema.description, boundsOf(schema)].filter(Boolean).join("; "),
  });
}

function responseSection(responses: Operation["responses"], schemas: Schemas): Html {
  const rows = Object.entries(responses).map(([status, { description, content }]) => {
    const schema = content?.["application/json"]?.schema;
    return html`<tr><td><code>${status}</code></td><td>${description}</td>
      <td>${schema ? html`<code>${typeOf(schema, schemas)}</code>` : ""}</td></tr>`;
  });
  const [status, first] = Object.entries(responses)[0] ?? [];
  const answered = first?.content?.["application/json"]?.schema;
  const fields = answered ? outline(answered, schemas) : [];
  return html`<h3>Answers</h3><table>${rows}</table>
    ${fields.length > 0 ? table(`Body of ${status}`, fields) : ""}`;
}
