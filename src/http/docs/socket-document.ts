/** The WebSocket in AsyncAPI 3.0, made from the schemas of its frames. Its rules are in PROTOCOL.md. */
import { z } from "zod";
import { CLIENT_SCHEMAS, type ClientOp } from "../../protocol/frames.ts";
import { ANSWER_SCHEMAS } from "../../protocol/schemas/answers.ts";
import { SERVER_SCHEMAS } from "../../protocol/schemas/server.ts";
import { NAMED_SHAPES, ref } from "../../protocol/schemas/shapes.ts";
import { SUBPROTOCOLS } from "../../protocol/subprotocols.ts";
import { publicPath } from "../answers/public-path.ts";
import type { JsonSchema } from "./schema-outline.ts";

const OPS = Object.keys(CLIENT_SCHEMAS) as ClientOp[];
const SERVER_OPS = Object.keys(SERVER_SCHEMAS) as (keyof typeof SERVER_SCHEMAS)[];
/** Said by the server as an answer alone. */
const ANSWERS: ReadonlySet<string> = new Set(["ready", "error"]);

const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const messageRef = (name: string) => ({ $ref: `#/components/messages/${name}` });
const channelMessage = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` });

const answerOf = (op: string) => (op === "hello" ? "server.ready" : `ok.${op}`);

/** The schemas by their names: `client.send`, `ok.send`, `server.event`, and the shapes that these share. */
export function socketSchemas(): Record<string, JsonSchema> {
  const said = z.registry<{ id: string }>();
  for (const [name, schema] of Object.entries(NAMED_SHAPES)) said.add(schema, { id: name });
  for (const [op, schema] of Object.entries(SERVER_SCHEMAS))
    if (!said.has(schema)) said.add(schema, { id: `server.${op}` });
  const options = { target: "draft-7", unrepresentable: "any" } as const;
  const shared = z.toJSONSchema(said, { ...options, uri: (id) => `#/components/schemas/${id}` }).schemas;
  const answers = Object.entries(ANSWER_SCHEMAS).map(([op, schema]) => {
    const head = z.object({ op: z.literal("ok"), ref });
    const fields = z.toJSONSchema(schema, { ...options, metadata: z.registry() });
    return [`ok.${op}`, { allOf: [z.toJSONSchema(head, options), fields] }] as const;
  });
  const client = OPS.map(
    (op) => [`client.${op}`, z.toJSONSchema(CLIENT_SCHEMAS[op], { ...options, io: "input" })] as const,
  );
  const server = [...Object.entries(shared), ...answers].map(
    ([name, schema]) => [name, growing(schema)] as const,
  );
  const event = ["server.event", schemaRef("event")] as const;
  return Object.fromEntries([...client, ...server, event].map(([name, schema]) => [name, bare(schema)]));
}

export function socketDocument(publicUrl: string): object {
  const names = [
    ...OPS.map((op) => `client.${op}`),
    ...OPS.filter((op) => op !== "hello").map((op) => `ok.${op}`),
    ...SERVER_OPS.map((op) => `server.${op}`),
  ];
  const channel = { $ref: "#/channels/socket" };
  const asked = OPS.map((op) => [
    op,
    {
      ...{ action: "receive", channel, messages: [channelMessage(`client.${op}`)] },
      reply: { channel, messages: [channelMessage(answerOf(op)), channelMessage("server.error")] },
    },
  ]);
  const told = SERVER_OPS.filter((op) => !ANSWERS.has(op)).map((op) => [
    `tell.${op}`,
    { action: "send", channel, messages: [channelMessage(`server.${op}`)] },
  ]);
  return {
    asyncapi: "3.0.0",
    info: { title: "WebSocket", version: "1", description: DESCRIPTION },
    defaultContentType: "application/json",
    servers: { this: serverOf(publicUrl) },
    channels: {
      socket: {
        address: "/ws",
        messages: Object.fromEntries(names.map((name) => [name, messageRef(name)])),
      },
    },
    operations: Object.fromEntries([...asked, ...told]),
    components: {
      messages: Object.fromEntries(names.map((name) => [name, { name, payload: schemaRef(name) }])),
      schemas: socketSchemas(),
    },
  };
}

export const DESCRIPTION =
  "Everything that an app needs: rooms, messages, files, presence and calls. One object a frame, with its op; a client's frame has " +
  `a ref, and is answered once. Subprotocols: ${Object.values(SUBPROTOCOLS).join(" (text) and ")} (binary). Ignore frames and ` +
  "fields that you do not know. src/protocol/PROTOCOL.md has the rules.";

function serverOf(publicUrl: string) {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : null;
  const pathname = publicPath(publicUrl);
  return {
    host: url?.host ?? "localhost",
    protocol: url?.protocol === "https:" ? "wss" : "ws",
    ...(pathname !== "" && { pathname }),
  };
}

/** Without what forbids unknown fields: the protocol grows. */
function growing(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(growing);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => key !== "additionalProperties" || value !== false,
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, growing(value)]));
}

function bare(schema: unknown): JsonSchema {
  const { $schema: _, $id: __, ...rest } = schema as Record<string, unknown>;
  return rest as JsonSchema;
}
