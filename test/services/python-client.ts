/** A Matrix client that nobody here wrote: matrix-nio in a Python process, signed in with a password. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pythonVariables } from "../../bridge/local/python-interpreter.ts";
import { nioEnvironment } from "./python-packages.ts";

export interface NioMessage {
  room: string;
  sender: string;
  /** The sender's display name in the room. */
  senderName: string;
  text: string;
  eventId: string;
}

export interface NioClient {
  readonly userId: string;
  readonly deviceId: string;
  /** Everything received so far in the rooms it is in, its own messages too, in order of arrival. */
  readonly messages: readonly NioMessage[];
  /** Resolves with the first message, received already or later, that the test accepts. */
  message(accepts: (message: NioMessage) => boolean, limitMs?: number): Promise<NioMessage>;
  /** Resolves when it is in the room; it accepts every invitation by itself. */
  untilIn(room: string, limitMs?: number): Promise<void>;
  /** Sends a text and resolves with its event id. */
  send(room: string, text: string): Promise<string>;
  /** Unread messages that notify, and those among them that name the person; null for a room that it does not know. */
  counts(room: string): Promise<{ notifications: number | null; highlights: number | null }>;
  close(): Promise<void>;
}

export interface NioLogin {
  homeserver: string;
  /** Matrix id or its localpart. */
  user: string;
  password: string;
}

interface Line {
  ref?: number;
  ok?: boolean;
  error?: string;
  event?: "message" | "joined";
}

const LIMIT_MS = 30_000;
const END_LIMIT_MS = 3_000;
const ROOMS_POLL_MS = 100;

/** Signs in and has synced once. @throws Error with nio's answer when the sign-in is refused */
export async function startNioClient(login: NioLogin): Promise<NioClient> {
  const { python } = await nioEnvironment();
  const wire = startScript(python);
  const messages: NioMessage[] = [];
  const listeners = new Set<() => void>();
  wire.onEvent((line) => {
    if (line.event === "message") messages.push(line as unknown as NioMessage);
    for (const listener of listeners) listener();
  });
  const who = await wire
    .ask<{ userId: string; deviceId: string }>("login", { ...login })
    .catch(async (error) => {
      await wire.close();
      throw error;
    });

  const message: NioClient["message"] = (accepts, limitMs = LIMIT_MS) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        listeners.delete(look);
        const seen = messages.map(({ sender, text }) => `${sender}: ${text}`).join("\n  ");
        reject(new Error(`nio received no such message within ${limitMs} ms; it has:\n  ${seen}`));
      }, limitMs);
      const look = () => {
        const found = messages.find(accepts);
        if (!found) return;
        clearTimeout(timer);
        listeners.delete(look);
        resolve(found);
      };
      listeners.add(look);
      look();
    });

  return {
    ...who,
    messages,
    message,
    untilIn: async (room, limitMs = LIMIT_MS) => {
      const deadline = Date.now() + limitMs;
      for (;;) {
        const { rooms } = await wire.ask<{ rooms: Record<string, string> }>("rooms", {});
        if (room in rooms) return;
        if (Date.now() > deadline)
          throw new Error(`nio is not in ${room} but in ${Object.keys(rooms).join(", ")}`);
        await new Promise((resolve) => setTimeout(resolve, ROOMS_POLL_MS));
      }
    },
    send: async (room, text) => (await wire.ask<{ eventId: string }>("send", { room, text })).eventId,
    async counts(room) {
      const { notifications, highlights } = await wire.ask<Awaited<ReturnType<NioClient["counts"]>>>(
        "counts",
        { room },
      );
      return { notifications, highlights };
    },
    close: wire.close,
  };
}

interface Wire {
  ask<T>(op: string, parameters: Record<string, unknown>): Promise<T>;
  onEvent(listener: (line: Line) => void): void;
  close(): Promise<void>;
}

/** The script ends with its standard input, so it can't outlive us. */
function startScript(python: string): Wire {
  const script = join(import.meta.dirname, "nio-client.py");
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "pipe"], env: pythonVariables() });
  const pending = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let listener: (line: Line) => void = () => undefined;
  let complaints = "";
  let lastRef = 0;
  let ending: Error | null = null;
  child.stdin.on("error", () => undefined); // Its end is told by "close".
  child.stderr.on("data", (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4_000);
  });
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as Line;
    const waiter = line.ref === undefined ? undefined : pending.get(line.ref);
    if (line.ref === undefined) return listener(line);
    pending.delete(line.ref);
    if (line.ok) waiter?.resolve(line);
    else waiter?.reject(new Error(`nio: ${line.error}`));
  });
  const closed = new Promise<void>((resolve) => {
    const end = (reason: string) => {
      ending = new Error(`the nio client ended (${reason}): ${complaints}`);
      for (const { reject } of pending.values()) reject(ending);
      pending.clear();
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) => end(signal ?? `code ${code}`));
  });
  return {
    ask: <T>(op: string, parameters: Record<string, unknown>) =>
      new Promise<T>((resolve, reject) => {
        if (ending) return reject(ending);
        const ref = ++lastRef;
        pending.set(ref, { resolve: resolve as (value: unknown) => void, reject });
        child.stdin.write(`${JSON.stringify({ ref, op, ...parameters })}\n`);
      }),
    onEvent: (wanted) => {
      listener = wanted;
    },
    close: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
      await closed;
      clearTimeout(timer);
    },
  };
}
