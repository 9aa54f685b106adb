/** What both transports promise beside what the protocol's tests show: ports, and which of them serves. */

import { once } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { HttpDoor } from "../../../src/gateway/http/door.ts";
import type { Transport, TransportOptions } from "../../../src/gateway/transport/transport.ts";
import { openTransport } from "../../../src/gateway/transport/transport-choice.ts";

const failure = vi.hoisted(() => ({ of: null as Error | null }));
vi.mock("../../../src/gateway/transport/transport-uws.ts", async (original) => ({
  ...(await original<object>()),
  uwsFailure: async () => failure.of,
}));

const opened: Transport[] = [];
const warnings: string[] = [];
const logger = { warn: (_fields: object, message: string) => void warnings.push(message) };
const options: TransportOptions = {
  ...{ host: "127.0.0.1", port: 0, maxFrameBytes: 1_000, maxBufferedBytes: 1_000, idleMs: 10_000 },
  accept: () => ({ onFrame: () => {}, onSign: () => {}, onDrain: () => {}, onClosed: () => {} }),
  http: new HttpDoor(async () => new Response("served")),
  endpoints: {},
};

/** More than uWebSockets.js keeps for a subscriber before it writes. */
const published = Array.from({ length: 40 }, (_, n) => String(n));

async function open(
  wanted: Transport["name"] | undefined,
  more: Partial<TransportOptions> = {},
): Promise<Transport> {
  const transport = await openTransport(wanted, { ...options, ...more }, logger);
  opened.push(transport);
  return transport;
}

afterEach(async () => {
  failure.of = null;
  warnings.length = 0;
  for (const transport of opened.splice(0)) await transport.close();
});

describe.each(["uws", "ws"] as const)("the transport on %s", (name) => {
  test("takes a free port, and none that is taken", async () => {
    const { port } = await open(name);
    expect(port).toBeGreaterThan(0);
    await expect(open(name, { port })).rejects.toThrow(new RegExp(String(port)));
  });

  test("frees its port when it stops listening", async () => {
    const first = await open(name);
    first.stopListening();
    const second = await open(name, { port: first.port });
    expect(second.port).toBe(first.port);
  });

  test("keeps the order of the calls between what is sent, published, and sent with what is published", async () => {
    const transport: Transport = await open(name, {
      accept: (connection) => {
        const onFrame = () => {
          connection.subscribe("topic");
          connection.sendWithPublished("1");
          transport.publish("topic", "2", false);
          connection.sendWithPublished("3");
          connection.send("4");
          transport.publish("topic", "5", false);
          connection.sendWithPublished("6");
          connection.end(1000, "enough");
          connection.sendWithPublished("7");
        };
        return { onFrame, onSign: () => {}, onDrain: () => {}, onClosed: () => {} };
      },
    });
    const client = new WebSocket(`ws://127.0.0.1:${transport.port}/ws`, "causeway.v1.json");
    const got: string[] = [];
    client.on("open", () => client.send("go"));
    client.on("message", (text) => got.push(String(text)));
    await once(client, "close");
    expect(got).toEqual(["1", "2", "3", "4", "5", "6"]);
  });

  test.each([
    ["its only topic", [], setImmediate],
    ["one of its topics", ["another"], setImmediate],
    ["its only topic, while its frame is handled", [], (work: () => void) => work()],
  ])(
    "brings what was published before a connection leaves %s in the same turn, and nothing after",
    async (_, more, when) => {
      const transport: Transport = await open(name, {
        accept: (connection) => {
          const onFrame = () =>
            when(() => {
              for (const topic of ["topic", ...more]) connection.subscribe(topic);
              for (const n of published) transport.publish("topic", n, false);
              connection.unsubscribe("topic");
              transport.publish("topic", "too late", false);
              setImmediate(() => setImmediate(() => connection.end(1000, "enough")));
            });
          return { onFrame, onSign: () => {}, onDrain: () => {}, onClosed: () => {} };
        },
      });
      const client = new WebSocket(`ws://127.0.0.1:${transport.port}/ws`, "causeway.v1.json");
      const got: string[] = [];
      client.on("open", () => client.send("go"));
      client.on("message", (text) => got.push(String(text)));
      await once(client, "close");
      expect(got).toEqual(published);
    },
  );
});

test("uWebSockets.js serves where its addon loads", async () => {
  expect((await open(undefined)).name).toBe("uws");
  expect(warnings).toEqual([]);
});

test("ws serves where the addon does not load, with one line of warning", async () => {
  failure.of = new Error("GLIBC_2.38 not found");
  expect((await open(undefined)).name).toBe("ws");
  expect(warnings).toEqual([expect.stringContaining("could not load uWebSockets.js")]);
});

test("who asks for uws where it does not load is told what to do", async () => {
  failure.of = new Error("GLIBC_2.38 not found");
  await expect(open("uws")).rejects.toThrow(/TRANSPORT=ws/);
});
