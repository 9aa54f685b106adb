/** The package in Hermes, the engine of React Native: transpiled to what it reads, with the globals that React Native adds. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { transformSync } from "@swc/core";
import { expect, test } from "vitest";
import { project, root } from "./built.ts";

const FOLDERS: Partial<Record<NodeJS.Platform, string>> = {
  linux: "linux64-bin",
  darwin: "osx-bin",
  win32: "win64-bin",
};
const HERMES = join(root, "node_modules/hermes-engine-cli", FOLDERS[process.platform] ?? "", "hermes");

/**
 * What React Native adds to the engine, as far as the package needs it, and a server in the place of its WebSocket: it cuts the
 * first connection before it answers a message, and has stored the message when that comes again.
 */
const PLATFORM = `
// The engine alone has no clock for timers: its setTimeout runs a task next, whatever the delay. So time goes from timer to timer.
const runNext = globalThis.setTimeout;
let now = 1760000000000;
let timers = [];
let ids = 0;
let isRunning = false;
function nextTimer() {
  timers.sort((a, b) => a.at - b.at || a.id - b.id);
  const timer = timers.shift();
  isRunning = timer !== undefined;
  if (!timer) return;
  now = timer.at;
  timer.call();
  runNext(nextTimer, 0);
}
Date.now = () => now;
globalThis.setTimeout = (call, ms = 0) => {
  timers.push({ id: ++ids, at: now + ms, call });
  if (!isRunning) runNext(nextTimer, 0);
  isRunning = true;
  return ids;
};
globalThis.clearTimeout = (id) => { timers = timers.filter((timer) => timer.id !== id); };
globalThis.setInterval = (call, ms) => {
  const interval = {};
  const next = () => { interval.timer = setTimeout(() => { next(); call(); }, ms); };
  next();
  return interval;
};
globalThis.clearInterval = (interval) => clearTimeout(interval && interval.timer);
globalThis.queueMicrotask = (call) => void Promise.resolve().then(call);

const actor = { kind: "user", id: "1", name: "Ann" };
const log = [];
let connections = 0;
const heard = [];

globalThis.WebSocket = class {
  constructor() {
    this.listeners = {};
    this.isOpen = true;
    this.connection = ++connections;
    setTimeout(() => this.tell("open", {}), 1);
  }
  addEventListener(name, listener) { this.listeners[name] = listener; }
  tell(name, event) { if (this.isOpen) this.listeners[name](event); }
  say(frame) { setTimeout(() => this.tell("message", { data: JSON.stringify(frame) }), 1); }
  close() { this.isOpen = false; }
  cut() { setTimeout(() => { this.tell("close", { code: 1006, reason: "" }); this.isOpen = false; }, 1); }
  send(data) {
    const frame = JSON.parse(data);
    heard.push(frame.op);
    if (frame.op === "hello") this.hello(frame);
    else if (frame.op === "send") this.take(frame);
    else this.say({ op: "ok", ref: frame.ref, at: 1 });
  }
  hello({ ref, resume }) {
    const head = log.length;
    const room = { room: "r", name: "Room", type: "group", role: "user", head, at: head, read: 0, unread: 0, mention: 0,
      last: null, lastPing: 0, call: 0 };
    const from = resume ? resume.rooms.r.seq + 1 : 0;
    const resumed = resume && [{ room: "r", recovered: true, from, head }];
    const user = { id: "1", uuid: "u", handle: "ann", name: "Ann" };
    this.say({ op: "ready", ref, session: "s", user, epoch: "e", heartbeatMs: 25000, rooms: [room], resumed });
    if (resume) for (const event of log.slice(from - 1)) this.say(event);
  }
  take({ ref, id, text }) {
    const known = log.find((event) => event.id === id);
    if (!known) log.push({ op: "event", room: "r", seq: log.length + 1, type: "message", id, actor, at: log.length + 1, data: { text } });
    const { seq, at } = known || log[log.length - 1];
    if (this.connection === 1) return this.cut();
    this.say({ op: "ok", ref, room: "r", seq, at, ...(known && { duplicate: true }) });
    if (!known) this.say(log[log.length - 1]);
  }
};
`;

const APP = `
import "./platform.js";
import { createClient, newMessageId, signIn } from "@causeway/client";

async function main() {
  const token = () => "t";
  const client = createClient({ url: "wss://example.org/ws", token, backoff: { baseMs: 5, capMs: 5 } });
  const shown = [];
  client.on("event", (event) => event.type === "message" && shown.push([event.seq, event.data.text]));
  const entries = [];
  client.room("r").subscribe(() => entries.push(client.room("r").getSnapshot().head));
  await client.connect();
  const sent = await client.send("r", "Grüße aus dem Tunnel 🚇");
  const next = await client.send({ room: "r", text: "x".repeat(30000) });
  await client.read({ room: "r", seq: next.seq });
  const tooLong = await client.send("r", "ü".repeat(33000)).catch((error) => error.code);
  const fetch = async () => ({ ok: true, status: 200, json: async () => ({ user: "u", access_token: "a", expires_in: 900 }) });
  const login = await signIn({ url: "https://example.org", handle: "ann", password: "p", fetch });
  client.disconnect();
  const ids = new Set(Array.from({ length: 100 }, newMessageId));
  const said = {
    sent, next: next.seq, shown: shown.map(([seq, text]) => [seq, text.slice(0, 30)]), hasEntry: entries.length > 0,
    ids: ids.size, tooLong, user: login.user, hasCrypto: typeof crypto !== "undefined",
  };
  print(JSON.stringify(said));
}
main().catch((error) => print(error.stack));
`;

test("the package runs in Hermes, which has no crypto, classes or async functions", async () => {
  const app = project();
  app.write("platform.js", PLATFORM);
  const bundled = await app.bundle(APP, { format: "iife", minify: false });
  const { code } = transformSync(bundled, { jsc: { target: "es5" }, isModule: false });
  const file = app.write("app.es5.js", code);
  const printed = execFileSync(HERMES, ["-w", file], { timeout: 60_000 }).toString();
  expect(JSON.parse(printed)).toEqual({
    sent: { room: "r", seq: 1, at: 1, duplicate: true },
    next: 2,
    shown: [
      [1, "Grüße aus dem Tunnel 🚇"],
      [2, "x".repeat(30)],
    ],
    hasEntry: true,
    ids: 100,
    tooLong: "too_large",
    user: "u",
    hasCrypto: false,
  });
});
