// @vitest-environment happy-dom
/** The React hooks, drawn by React DOM in StrictMode, over a client with a store and a scripted server. */
import type { Document, HTMLElement } from "happy-dom";
import { createElement as h, type ReactNode, StrictMode, startTransition, useState } from "react";
import { flushSync } from "react-dom";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { createLocalClient, type LocalClient } from "../../src/client/local/local-client.ts";
import {
  ChatProvider,
  useClient,
  useConnection,
  useMessages,
  usePresence,
  useRoom,
  useRooms,
  useSend,
  useTyping,
} from "../../src/client/react/index.ts";
import { memoryStore } from "../../src/client/stores/memory.ts";
import { OTHER, type ScriptedServer, scriptedServers } from "./scripted-server.ts";

const Watcher = () => `${useTyping("r").length} type, ${usePresence("r").length} present. `;
const Count = () => `${useRoom("r")?.unread} `;
const Lost = () => useClient().state.name;

const { document } = globalThis as unknown as { document: Document };

describe("React hooks", () => {
  const start = scriptedServers();
  let server: ScriptedServer;
  let client: LocalClient;
  let root: Root;
  let host: HTMLElement;
  const faults: string[] = [];

  beforeEach(async () => {
    server = await start();
    server.append("r", { type: "message", data: { text: "Hello" } });
    server.log("s");
    const backoff = { baseMs: 5, capMs: 20 };
    client = createLocalClient({ url: server.url, token: "t", WebSocket, backoff, store: memoryStore() });
    await client.connect();
    host = document.createElement("div");
    faults.length = 0;
    root = createRoot(host as unknown as Parameters<typeof createRoot>[0], {
      onUncaughtError: (error) => faults.push(String(error)),
    });
  });
  afterEach(async () => {
    flushSync(() => root.unmount());
    await client.disconnect();
  });

  function draw(component: () => ReactNode): void {
    flushSync(() => root.render(h(StrictMode, null, h(ChatProvider, { client }, h(component)))));
  }

  async function shows(text: string): Promise<void> {
    await vi.waitFor(() => expect(host.textContent).toBe(text), { timeout: 10_000, interval: 5 });
  }

  test("the list of rooms and a room follow what happens in them", async () => {
    draw(() => {
      const rooms = useRooms();
      const room = useRoom("r");
      return `${rooms.map(({ room: token, unread }) => `${token} ${unread}`).join(", ")}; ${room?.unread}`;
    });
    await shows("r 1, s 0; 1");
    server.append("r", { type: "message", data: { text: "Are you there?" } });
    await shows("r 2, s 0; 2");
    await client.read({ room: "r", seq: 2 });
    await shows("r 0, s 0; 0");
  });

  test("a room's messages are shown as they come, and what is sent is pending until it is stored", async () => {
    let send: ReturnType<typeof useSend> | undefined;
    draw(() => {
      const messages = useMessages("r");
      send = useSend("r");
      return messages
        .map((item) =>
          item.type === "message" ? `${item.data.text}${item.pending ? " (pending)" : ""}` : "",
        )
        .join(", ");
    });
    await shows("Hello");
    server.script = ({ op }) => (op === "send" ? "swallow" : undefined);
    const sent = send?.("Hi");
    await shows("Hello, Hi (pending)");
    server.script = () => undefined;
    server.cutAll();
    await sent;
    await shows("Hello, Hi");
  });

  test("typing and presence: the room is opened once for all who ask, and closed with the last", async () => {
    let setShown: (shown: boolean) => void = () => {};
    draw(() => {
      const [isShown, set] = useState(true);
      setShown = set;
      return isShown ? [h(Watcher, { key: 1 }), h(Watcher, { key: 2 })] : "nobody asks";
    });
    await server.hears("open");
    server.announce({ op: "presence", room: "r", actor: OTHER, lastPing: 1 });
    server.announce({ op: "typing", room: "r", actor: OTHER, on: true });
    await shows("1 type, 1 present. ".repeat(2));
    server.announce({ op: "typing", room: "r", actor: OTHER, on: false });
    await shows("0 type, 1 present. ".repeat(2));
    expect(server.heard.filter(({ op }) => op === "close")).toEqual([]);
    flushSync(() => setShown(false));
    await server.hears("close");
    expect(server.heard.filter(({ op }) => op === "open")).toHaveLength(1);
    flushSync(() => setShown(true));
    await server.hears("open", 2);
  });

  test("values are the same until they change, and a component draws only when its own has", async () => {
    const seen = { rooms: new Set<unknown>(), messages: new Set<unknown>(), send: new Set<unknown>() };
    let draws = 0;
    draw(() => {
      draws++;
      seen.rooms.add(useRooms());
      seen.messages.add(useMessages("s"));
      seen.send.add(useSend("s"));
      return String(useConnection().name);
    });
    await shows("online");
    await client.room("s").messages.load();
    const before = { draws, rooms: seen.rooms.size, messages: seen.messages.size };
    await client.ping();
    expect({ draws, rooms: seen.rooms.size, messages: seen.messages.size }).toEqual(before);
    server.append("r", { type: "message", data: { text: "Elsewhere" } });
    await vi.waitFor(() => expect(seen.rooms.size).toBe(before.rooms + 1));
    expect(seen.messages.size).toBe(before.messages);
    // StrictMode draws a component twice at first, each time with a function of its own.
    expect(seen.send.size).toBeLessThanOrEqual(2);
  });

  test("components that are drawn at different times never show different values", async () => {
    const torn: string[] = [];
    let again: (n: number) => void = () => {};
    draw(() => {
      const [n, set] = useState(0);
      again = set;
      return Array.from({ length: 20 }, (_, key) => h(Count, { key: `${key} ${n}` }));
    });
    const observer = () => {
      const shown = new Set((host.textContent ?? "").trim().split(" "));
      if (shown.size > 1) torn.push(host.textContent ?? "");
    };
    for (let n = 1; n <= 20; n++) {
      startTransition(() => again(n));
      server.append("r", { type: "message", data: { text: String(n) } });
      await new Promise((resolve) => setTimeout(resolve, 1));
      observer();
    }
    await shows("21 ".repeat(20));
    expect(torn).toEqual([]);
    expect(faults).toEqual([]);
  });

  test("a hook outside of a provider says what is missing", () => {
    flushSync(() => root.render(h(Lost)));
    expect(faults).toEqual(["Error: put the component into a <ChatProvider client={…}>"]);
  });
});
