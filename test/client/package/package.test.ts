/** The package in a project of its own: it is well-formed, small, typed, and runs in Node and Chromium. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { scriptedServers } from "../scripted-server.ts";
import { project, root } from "./built.ts";

/** What an app pays for `createClient`, minified and gzipped. */
const MAX_CORE_BYTES = 8 * 1024;

const CHATS = (url: string, more = "") => `
  const client = createClient({ url: ${JSON.stringify(url)}, token: "t", ${more} });
  const events = [];
  client.on("event", (event) => events.push(event.type === "message" ? event.data.text : event.type));
  await client.connect();
  const ack = await client.send("r", "Grüße");
  const page = await client.history({ room: "r", limit: 10 });
  while (events.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const said = { ack: ack.seq, events, history: page.events.length };
  client.disconnect();
`;
const SAID = { ack: 2, events: ["Grüße"], history: 2 };

describe("@causeway/client", () => {
  const app = project(["ws", "@types/ws", "msgpackr", "@types/react", "csstype"]);
  const servers = scriptedServers();

  async function server() {
    const scripted = await servers();
    scripted.append("r", { type: "message", data: { text: "Hello" } });
    return scripted;
  }

  test("publint finds nothing to say", async () => {
    const { messages, pkg } = await publint({ pkgDir: join(app.folder, "node_modules/@causeway/client") });
    expect(messages.map((message) => formatMessage(message, pkg as Record<string, unknown>))).toEqual([]);
  });

  test("its types are found by every way of importing ES modules", async () => {
    const packed = createPackageFromTarballData(readFileSync(app.tarball));
    const report = await checkPackage(packed);
    const problems = report.types === false ? ["no types"] : report.problems;
    // Resolutions that know no `exports`, and `require`, are not offered.
    const offered = problems.filter(
      (problem) =>
        typeof problem === "string" ||
        !("resolutionKind" in problem) ||
        !["node10", "node16-cjs"].includes(problem.resolutionKind),
    );
    expect(offered).toEqual([]);
  });

  test("it needs no package, and has nothing of zod", () => {
    const folder = join(app.folder, "node_modules");
    const manifest = JSON.parse(
      readFileSync(join(folder, "@causeway/client/package.json"), "utf8"),
    ) as object;
    expect(manifest).not.toHaveProperty("dependencies");
    expect(existsSync(join(folder, "zod"))).toBe(false);
    expect(manifest).toMatchObject({ sideEffects: false, type: "module" });
  });

  test(`the core has at most ${MAX_CORE_BYTES} bytes`, async () => {
    const core = await app.bundle(`export { createClient } from "@causeway/client";`);
    expect(gzipSync(core, { level: 9 }).length).toBeLessThanOrEqual(MAX_CORE_BYTES);
  });

  test("what an app does not use is not in its bundle", async () => {
    expect(await app.bundle(`import "@causeway/client";`)).toBe("");
  });

  test("a strict project type-checks with it, and mistakes are found", () => {
    app.write("typed.ts", TYPED);
    app.write("hooks.tsx", HOOKS);
    expect(app.typeCheck()).toBe("");
  });

  test("a strict project type-checks with what the documents show", () => {
    app.write("readers.d.ts", READERS);
    const documents = [join(root, "README.md"), join(root, "src/client/package/README.md")];
    const blocks = documents.flatMap((path) => [
      ...readFileSync(path, "utf8").matchAll(/^ *```(tsx?)\n(.*?)^ *```$/gms),
    ]);
    expect(blocks.length).toBeGreaterThan(4);
    for (const [at, [, kind, text = ""]] of blocks.entries()) {
      const imports = text.includes("import ") ? "" : IMPORTS;
      app.write(`document-${at}.${kind}`, `${imports}${text}\nexport {};\n`);
    }
    expect(app.typeCheck()).toBe("");
  });

  test("it runs in Node, as it is installed", async () => {
    const { url } = await server();
    const imports = `import { createClient } from "@causeway/client"; import { WebSocket } from "ws";`;
    const script = `${imports}${CHATS(url, "WebSocket")} console.log(JSON.stringify(said));`;
    const { stdout } = await promisify(execFile)(process.execPath, [app.write("installed.mjs", script)]);
    expect(JSON.parse(stdout)).toEqual(SAID);
  });

  describeWith("chromium", "in a browser", ({ chromium }) => {
    test.each([
      ["JSON", "", ""],
      ["MessagePack", `import { msgpackCodec } from "@causeway/client/msgpack";`, "codec: msgpackCodec"],
    ])("it runs with %s", async (_, imports, options) => {
      const { url } = await server();
      const text = `import { createClient } from "@causeway/client"; ${imports}${CHATS(url, options)} globalThis.said = said;`;
      const script = await app.bundle(text);
      const browser = await chromium.launch();
      try {
        const page = await browser.newPage();
        await page.addScriptTag({ content: script, type: "module" });
        await page.waitForFunction("globalThis.said");
        expect(await page.evaluate("globalThis.said")).toEqual(SAID);
      } finally {
        await browser.close();
      }
    });
  });
});

/** What the examples in the documents take from the reader's app. */
const READERS = `
declare const token: string, url: string, room: string, handle: string, password: string;
declare function show(name: string, text: string): void;
declare function drawRooms(rooms: readonly import("@causeway/client").Room[]): void;
declare function drawMessages(messages: readonly import("@causeway/client/local").TimelineItem[]): void;
declare function showSignIn(error: unknown): void;
`;
/** The imports of an example that shows none. */
const IMPORTS = `import { useMessages, useSend } from "@causeway/client/react";\n`;

const HOOKS = `
import { createClient } from "@causeway/client";
import { createLocalClient } from "@causeway/client/local";
import { ChatProvider, useContacts, useMessages, useRooms, useSend } from "@causeway/client/react";
import { memoryStore } from "@causeway/client/stores/memory";

const client = createLocalClient({ url: "wss://example.org/ws", token: "t", store: memoryStore() });
function Room({ room }: { room: string }) {
  const send = useSend(room);
  const texts = useMessages(room).map((item) => (item.type === "message" ? item.data.text : item.actor.name));
  return <button onClick={() => void send("Hi", { silent: true })}>{texts}</button>;
}
function Contacts() {
  return useContacts().map(({ user, name }) => <p key={user.id}>{name ?? user.name}</p>);
}
function Rooms() {
  return useRooms().map(({ room, unread }) => <Room key={room + (unread satisfies number)} room={room} />);
}
export const app = <ChatProvider client={client}><Rooms /><Contacts /></ChatProvider>;
// @ts-expect-error a client without a store keeps no messages
export const without = <ChatProvider client={createClient({ url: "wss://example.org/ws", token: "t" })} />;
export const edited = client.room("r").edit(1, "Hi", { mentions: ["2"] });
`;

const TYPED = `
import { createClient, type Message, Refused, type RoomEvent, webStorageCursors } from "@causeway/client";
import { msgpackCodec } from "@causeway/client/msgpack";

const store = webStorageCursors(localStorage, "chat");
const client = createClient({ url: "wss://example.org/ws", token: () => "t", codec: msgpackCodec, store });
client.on("event", (event) => {
  if (event.type === "message") event.data.text.toUpperCase();
  // @ts-expect-error only messages have a text
  event.data.text;
  // @ts-expect-error there is no such type
  if (event.type === "mesage") return;
});
client.on("typing", ({ actor, on }) => (on satisfies boolean) && actor.name.trim());
// @ts-expect-error there is no such event
client.on("tpying", () => {});

const message: Message = { room: "r", text: "Hello", mentions: ["1"] };
const shown: RoomEvent[] = [];
export async function chat(): Promise<number | undefined> {
  await client.send(message);
  await client.send("r", "Hello", { format: "markdown" });
  // @ts-expect-error an edit has a text
  await client.edit({ room: "r", seq: 1 });
  // @ts-expect-error the seq is a number
  await client.edit({ room: "r", seq: "1", text: "Hi" });
  // @ts-expect-error this is no field of the op
  await client.react({ room: "r", seq: 1, name: "x", colour: 1 });
  const page = await client.history({ room: "r", limit: 10 });
  shown.push(...page.events);
  const { hits } = await client.search({ text: "hello", has: "file" });
  // @ts-expect-error there is no such kind
  await client.search({ text: "hello", has: "song" });
  await client.ping();
  const { seq } = await client.edit({ room: "r", seq: 1, text: "Hi" }).catch((error: unknown) => {
    if (error instanceof Refused) console.log(error.code, error.field);
    throw error;
  });
  return seq ?? hits[0]?.event.seq;
}
`;
