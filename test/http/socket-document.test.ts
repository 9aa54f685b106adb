/** The WebSocket's document: AsyncAPI 3.0, with every op and frame. */
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { createDocs } from "../../src/http/docs/docs.ts";
import { socketDocument } from "../../src/http/docs/socket-document.ts";
import { CLIENT_SCHEMAS } from "../../src/protocol/frames.ts";
import { SERVER_SCHEMAS } from "../../src/protocol/schemas/server.ts";

interface Document {
  channels: { socket: { messages: Record<string, { $ref: string }> } };
  operations: Record<string, { action: string; reply?: { messages: { $ref: string }[] } }>;
  components: { messages: Record<string, { payload: { $ref: string } }>; schemas: Record<string, object> };
  servers: Record<string, object>;
}

const document = socketDocument("https://chat.example.org/chat") as Document;

test("it is valid AsyncAPI 3.0", () => {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const schema = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json");
  const validate = ajv.compile(schema);
  expect([validate(document), validate.errors]).toEqual([true, null]);
  expect(document.servers.this).toEqual({ host: "chat.example.org", protocol: "wss", pathname: "/chat" });
});

test("it has every op with its answers, every frame that the server tells, and nothing that is not there", () => {
  const { operations, components, channels } = document;
  const asked = Object.entries(operations).filter(([, { action }]) => action === "receive");
  expect(asked.map(([op]) => op).sort()).toEqual(Object.keys(CLIENT_SCHEMAS).sort());
  const told = Object.keys(operations).filter((name) => name.startsWith("tell."));
  expect(told).toHaveLength(Object.keys(SERVER_SCHEMAS).length - 2);
  expect(operations.send?.reply?.messages.map(({ $ref }) => $ref)).toEqual([
    "#/channels/socket/messages/ok.send",
    "#/channels/socket/messages/server.error",
  ]);
  const refs = JSON.stringify(document).match(/"\$ref":"[^"]*"/g) ?? [];
  const targets = new Set(refs.map((ref) => JSON.parse(`{${ref}}`).$ref as string));
  for (const target of targets) {
    const found = target.slice(2).split("/").reduce<unknown>(step, document);
    expect(found, target).toBeDefined();
  }
  expect(Object.keys(channels.socket.messages)).toEqual(Object.keys(components.messages));
});

function step(value: unknown, key: string): unknown {
  return (value as Record<string, unknown> | undefined)?.[key];
}

test("its schemas take what clients may leave out, and what the server will say one day", () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "doc", ...document });
  const takes = (name: string, value: object) =>
    ajv.validate({ $ref: `doc#/components/schemas/${name}` }, value);
  expect(takes("client.history", { op: "history", ref: 1, room: "a2b3c4d5" })).toBe(true);
  expect(takes("client.history", { op: "history", ref: 1, room: "a2b3c4d5", more: 1 })).toBe(false);
  const typing = { op: "typing", room: "a2b3c4d5", actor: { kind: "user", id: "1", name: "Ada" }, on: true };
  expect(takes("server.typing", { ...typing, since: 1 })).toBe(true);
  expect(takes("server.typing", { ...typing, on: "yes" })).toBe(false);
  expect(takes("ok.send", { op: "ok", ref: 1, room: "a2b3c4d5", seq: 1, at: 1, more: 1 })).toBe(true);
  expect(takes("ok.send", { op: "ok", ref: 1, room: "a2b3c4d5", seq: "1", at: 1 })).toBe(false);
});

test("it is served beside the others, and shown to people", async () => {
  const docs = createDocs([], () => "https://chat.example.org");
  const served = await docs.request("/openapi/socket.json");
  expect(await served.json()).toMatchObject({ asyncapi: "3.0.0", servers: { this: { protocol: "wss" } } });
  const page = await (await docs.request("/docs/socket")).text();
  for (const op of Object.keys(CLIENT_SCHEMAS)) expect(page).toContain(`<code>${op}</code>`);
  expect(page).toContain("highlights");
  expect(await (await docs.request("/docs")).text()).toContain('"openapi/socket.json"');
});
