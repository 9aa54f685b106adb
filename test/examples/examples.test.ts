/** The examples as a reader runs them: with the package installed, against a server of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Client, createClient } from "../../src/client/client.ts";
import { provision, type Site } from "../black-box/provision.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { project, root } from "../client/package/built.ts";
import { describeWith } from "../services/need.ts";

const LIMIT_MS = 30_000;
const EXAMPLES = join(root, "examples");

describe("examples", () => {
  const fleet = serverFleet();
  const app = project(["ws", "react", "react-dom", "scheduler"]);
  const programs: ChildProcess[] = [];
  let server: ServerProcess;
  let site: Site;
  /** The second person, who writes with the examples. */
  let bob: Client;

  beforeAll(async () => {
    server = await fleet.start();
    site = await provision(server.url, ["ann", "bob"], 1);
    bob = createClient({ url: socketUrl(), token: site.people[1]?.token ?? "", WebSocket });
    await bob.connect();
  });
  afterAll(() => {
    bob?.disconnect();
    for (const program of programs) program.kill("SIGKILL");
  });

  const socketUrl = () => `${server.url.replace(/^http/, "ws")}/ws`;
  const room = () => site.rooms[0]?.token ?? "";

  /** Runs an example; `until` resolves when it has printed a text, which later calls look behind. */
  function run(file: string, args: readonly string[], env: Record<string, string>) {
    cpSync(join(EXAMPLES, file), join(app.folder, file.split("/").at(-1) ?? ""));
    const program = spawn(process.execPath, [file.split("/").at(-1) ?? "", ...args], {
      cwd: app.folder,
      env: { PATH: process.env.PATH ?? "", ...env },
    });
    programs.push(program);
    let output = "";
    let read = 0;
    let wake = () => {};
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
      wake();
    };
    program.stdout.on("data", collect);
    program.stderr.on("data", collect);
    const until = async (text: string) => {
      const late = setTimeout(() => wake(), LIMIT_MS);
      const startedAt = Date.now();
      while (!output.includes(text, read)) {
        if (Date.now() - startedAt >= LIMIT_MS) throw new Error(`it never printed “${text}”:\n${output}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      clearTimeout(late);
      read = output.indexOf(text, read) + text.length;
    };
    return { program, until, write: (line: string) => program.stdin.write(`${line}\n`) };
  }

  /** Resolves with the next message that Bob gets whose text has this in it. */
  function hears(text: string): Promise<string> {
    return new Promise((resolve) => {
      const off = bob.on("event", (event) => {
        if (event.type !== "message" || !event.data.text.includes(text)) return;
        off();
        resolve(event.data.text);
      });
    });
  }

  test("the chat in the terminal shows the room, and sends what is written", async () => {
    await bob.send(room(), "Before you came");
    const ann = site.people[0];
    const chat = run("terminal/chat.mjs", [server.url, "ann"], { CAUSEWAY_PASSWORD: "password of ann" });
    await chat.until(`Hello, ${ann?.name}.`);
    await chat.until("Bob Example: Before you came");
    const heard = hears("from the terminal");
    chat.write("Greetings from the terminal");
    expect(await heard).toBe("Greetings from the terminal");
    await chat.until("Ann Example: Greetings from the terminal");
    await bob.send(room(), "Hello, terminal");
    await chat.until("Bob Example: Hello, terminal");
    chat.write("/rooms");
    await chat.until("1. ");
    const ended = new Promise((resolve) => chat.program.once("exit", resolve));
    chat.write("/quit");
    expect(await ended).toBe(0);
  });

  test("the chat in the terminal ends at a wrong password, and says why", async () => {
    const chat = run("terminal/chat.mjs", [server.url, "ann"], { CAUSEWAY_PASSWORD: "wrong" });
    const ended = new Promise((resolve) => chat.program.once("exit", resolve));
    await chat.until("Password:\nAuthentication failed.\n");
    expect(await ended).toBe(1);
  });

  test("the chat in the terminal ends in order while it is waiting for an answer", async () => {
    await bob.send(room(), "The last before");
    const chat = run("terminal/chat.mjs", [server.url, "ann"], { CAUSEWAY_PASSWORD: "password of ann" });
    // It takes lines after it has shown the room.
    await chat.until("The last before");
    const ended = new Promise((resolve) => chat.program.once("exit", resolve));
    chat.write("/room 1\n/quit");
    expect(await ended).toBe(0);
  });

  test("the bot answers, also what was asked while it was away, each once", async () => {
    const env = { CAUSEWAY_TOKEN: site.people[0]?.token ?? "", CURSOR_FILE: "bot.json" };
    const first = run("bot/bot.mjs", [socketUrl()], env);
    await first.until("online");
    const answered = hears("🎲");
    await bob.send(room(), "!roll 2d6");
    expect(await answered).toMatch(/^🎲 [1-6] \+ [1-6] = \d+$/);
    const ended = new Promise((resolve) => first.program.once("exit", resolve));
    first.program.kill("SIGTERM");
    await ended;
    const asked = await bob.send(room(), "!roll");
    const later = hears("🎲");
    const second = run("bot/bot.mjs", [socketUrl()], env);
    expect(await later).toMatch(/^🎲 [1-6] = [1-6]$/);
    const { events } = await bob.history({ room: room(), limit: 50 });
    const answers = events.filter((event) => event.type === "message" && event.data.text.includes("🎲"));
    expect(answers).toHaveLength(2);
    expect(answers[1]).toMatchObject({ id: `roll-${asked.seq}`, data: { replyTo: asked.seq } });
    second.program.kill("SIGTERM");
  });

  test("the bot goes on after a question in a room where it may not write", async () => {
    const env = { CAUSEWAY_TOKEN: site.people[0]?.token ?? "", CURSOR_FILE: "bot-refused.json" };
    const bot = run("bot/bot.mjs", [socketUrl()], env);
    await bot.until("online");
    const made = await bob.roomCreate({
      id: "announcements",
      type: "group",
      name: "Announcements",
      members: [String(site.people[0]?.id)],
    });
    await bob.roomSet({ room: made.room.room, posting: "moderators" });
    await bob.send(made.room.room, "!roll");
    await bot.until(`${made.room.room}: `);
    const answered = hears("🎲");
    await bob.send(room(), "!roll");
    expect(await answered).toContain("=");
    const ended = new Promise((resolve) => bot.program.once("exit", resolve));
    bot.program.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("the bot says why it can't begin", async () => {
    const bot = run("bot/bot.mjs", [socketUrl()], { CAUSEWAY_TOKEN: "unknown" });
    const ended = new Promise((resolve) => bot.program.once("exit", resolve));
    await bot.until("ended: The token is unknown");
    expect(await ended).toBe(1);
    await run("bot/bot.mjs", [], {}).until("usage: CAUSEWAY_TOKEN=");
  });

  describeWith("chromium", "the React app", ({ chromium }) => {
    test("shows rooms and messages, sends, and says who types", async () => {
      const { createServer } = await import("vite");
      cpSync(join(EXAMPLES, "react"), app.folder, { recursive: true });
      process.env.CAUSEWAY_URL = server.url;
      const pages = await createServer({
        root: app.folder,
        server: { port: 0, host: "127.0.0.1" },
        logLevel: "error",
      });
      await pages.listen();
      const browser = await chromium.launch();
      try {
        const page = await browser.newPage();
        page.setDefaultTimeout(LIMIT_MS);
        const faults: string[] = [];
        page.on("pageerror", (error) => faults.push(String(error)));
        await page.goto(pages.resolvedUrls?.local[0] ?? "");
        await page.type("[name=handle]", "ann");
        await page.type("[name=password]", "password of ann");
        await page.keyboard.press("Enter");
        const shows = (selector: string, text: string) =>
          page.waitForFunction(
            `document.querySelector(${JSON.stringify(selector)})?.textContent.includes(${JSON.stringify(text)})`,
          );
        await shows("#state", "online");
        await bob.send(room(), "Hello, React");
        await shows("ol", "Hello, React");
        const heard = hears("from React");
        await page.type("main input", "Greetings from React");
        await page.keyboard.press("Enter");
        expect(await heard).toBe("Greetings from React");
        await page.waitForFunction(`!document.querySelector(".pending")`);
        await bob.open({ room: room() });
        bob.typing({ room: room(), on: true });
        await shows("#typing", "Bob Example");
        await shows("#present", "Bob Example");
        await page.reload();
        await shows("ol", "Greetings from React");
        expect(faults).toEqual([]);
      } finally {
        await browser.close();
        await pages.close();
      }
    });
  });
});
