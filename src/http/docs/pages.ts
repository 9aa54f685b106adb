/** The pages under `/docs` but the socket's. Links are relative: the public URL may have a path. */
import { setImmediate } from "node:timers/promises";
import { html } from "hono/html";
import type { Face } from "../face/face.ts";
import { consoleOf } from "./console.ts";
import { markdown, readDocument } from "./markdown.ts";
import { type Html, page } from "./page.ts";

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** The address of `npm start`, which the guide is written with. */
const GUIDE_ADDRESS = "http://127.0.0.1:8080";

/** Whom each way in is for. */
const FOR: Record<string, string> = {
  messenger: "A back office, or an app's server: chatrooms, who is in them, and Matrix credentials.",
  talk: "Clients that know Talk: rooms, chat, participants, signaling, guests with a link.",
  wire: "Clients that know Wire: people, connections, teams, conversations, a stream of notifications.",
  protocol: "Help desks and automation: contacts, conversations, messages, attachments, webhooks.",
  admin: "Operators: organizations, people, tokens, webhooks, the bridge's dead letters.",
};

/** Renders each API's document in its own turn of the event loop: all at once would block sessions for 0.3 s. */
export async function overviewPage(faces: readonly Face[], publicUrl: string): Promise<Html> {
  const rows: Html[] = [];
  for (const face of faces) {
    await setImmediate();
    const { info, paths = {} } = face.document();
    const count = Object.values(paths).flatMap((item) => METHODS.filter((method) => method in item)).length;
    rows.push(html`<tr>
      <td><a href="docs/${face.name}">${info.title}</a></td><td>${FOR[face.name] ?? ""}</td>
      <td>${count} operations, <a href="openapi/${face.name}.json">OpenAPI</a></td>
    </tr>`);
  }
  return page(
    { title: "Causeway", root: "." },
    html`<h1>Causeway</h1>
      <p class="lead">A realtime chat server in which every chatroom is also a Matrix room.</p>
      <p>An app needs <a href="docs/socket">the WebSocket</a> and nothing else. The HTTP APIs below serve the same rooms: what is made
        or said through one of them is there in all others, on the WebSocket and in Matrix.</p>
      <table>
        <tr><th>Way in</th><th>For whom</th><th>What it has</th></tr>
        <tr><td><a href="docs/socket">WebSocket</a></td><td>Messenger apps, by the SDK or in any language.</td>
          <td>Its protocol, <a href="openapi/socket.json">AsyncAPI</a></td></tr>
        ${rows}
      </table>
      ${markdown(readDocument("http/docs/guide.md").replaceAll(GUIDE_ADDRESS, publicUrl)).content}`,
  );
}

/** The operations of an API, and a console that tries them on this server. */
export function apiPage(face: Face): Html {
  const { info } = face.document();
  return page(
    { title: info.title, root: "..", head: consoleOf(face.name, "..") },
    html`<p><a href="../docs">All APIs</a></p>
      <h1>${info.title}</h1>
      <p class="lead">${info.description ?? ""}</p>
      <p>${FOR[face.name] ?? ""} The same as <a href="../openapi/${face.name}.json">OpenAPI 3.1</a>.</p>
      <div id="console"><noscript>The list of operations is drawn by a script; the OpenAPI document has all of it.</noscript></div>`,
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
