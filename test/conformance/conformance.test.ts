/** The scripted sessions with clients of three kinds: the SDK, the Python client of examples/, and one that is wrong. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { pythonEnvironment } from "../../bridge/local/python.ts";
import { play, type StartSubject, TOKEN } from "../../dev/conformance/player.ts";
import { program } from "../../dev/conformance/program.ts";
import type { Session } from "../../dev/conformance/session.ts";
import { createClient } from "../../src/client/client.ts";
import { Refused } from "../../src/client/failures.ts";

const FOLDER = join(import.meta.dirname, "sessions");
const SESSIONS = readdirSync(FOLDER)
  .sort()
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as Session);
const EXAMPLES = resolve(import.meta.dirname, "../../examples");
const protocol = readFileSync(resolve(import.meta.dirname, "../../src/protocol/PROTOCOL.md"), "utf8");

/** The SDK as a program that shows what it gets. */
const sdk: StartSubject = (url, token, show) => {
  const client = createClient({ url, token, WebSocket, backoff: { baseMs: 5, capMs: 20 } });
  client.on("ready", () => show({ show: "ready" }));
  client.on("event", ({ room, seq, type, data }) => {
    if (type === "message") show({ show: "message", room, seq, text: data.text });
  });
  client.on("reset", ({ room, head }) => show({ show: "reset", room, head }));
  client.on("state", (state) => {
    if (state.name === "ended") show({ show: "ended", code: state.code });
  });
  client.connect().catch(() => {
    // The state tells.
  });
  return {
    do: ({ room, id, text }) =>
      void client.send({ room: String(room), id: String(id), text: String(text) }).then(
        ({ seq }) => show({ show: "sent", id, seq }),
        (error: unknown) => error instanceof Refused && show({ show: "refused", id, code: error.code }),
      ),
    stop: () => client.disconnect(),
  };
};

test("there are sessions, and each names rules of PROTOCOL.md", () => {
  expect(SESSIONS.length).toBeGreaterThanOrEqual(16);
  for (const { about, rules } of SESSIONS) {
    expect(
      rules.filter((rule) => !protocol.includes(`**[${rule}]**`)),
      about,
    ).toEqual([]);
  }
});

test.each(SESSIONS)("the SDK $about", async (session) => {
  await play(session, sdk);
});

describe("the client in Python", async () => {
  const environment = await pythonEnvironment({
    name: "websockets-15.0.1",
    packages: ["websockets==15.0.1"],
  }).catch((error: Error) => error);
  if (environment instanceof Error) {
    test.skipIf(process.env.CI !== "true")(`needs websockets: ${environment.message}`, () => {
      throw environment;
    });
    return;
  }
  const python = program(environment.python, [join(EXAMPLES, "python/client.py")]);

  test.each(SESSIONS)("$about", async (session) => {
    await play(session, python);
  });
});

test("a client that does otherwise is found out, with what it did", async () => {
  const twice = SESSIONS.find(({ about }) => about.includes("twice")) as Session;
  const careless: StartSubject = (url, token, show) => {
    const socket = new WebSocket(url);
    socket.on("open", () => socket.send(JSON.stringify({ op: "hello", ref: 1, token })));
    socket.on("message", (data) => {
      const { op, room, seq, data: said } = JSON.parse(String(data));
      if (op === "ready") show({ show: "ready" });
      if (op === "event") show({ show: "message", room, seq, text: said.text });
    });
    return { do: () => undefined, stop: () => socket.close() };
  };
  await expect(play(twice, careless)).rejects.toThrow('"seq":9');
  expect(TOKEN).not.toBe("");
});

test("a program that can't be started fails the session", async () => {
  const [first] = SESSIONS as [Session];
  expect(existsSync("/nowhere/client")).toBe(false);
  const missing = program("/nowhere/client", []);
  const played = play({ ...first, steps: [{ shows: { show: "ready" } }] }, missing);
  await expect(played).rejects.toThrow("ENOENT");
});
