/** An app on our own SDK. */
import { WebSocket } from "ws";
import { type Client, createClient } from "../../../src/client/client.ts";
import type { Cursor } from "../../../src/client/cursors.ts";
import type { SocketConstructor } from "../../../src/client/socket.ts";
import type { EventFrame } from "../../../src/protocol/frames.ts";
import { View } from "../judge/view.ts";
import type { ChatClient, Person } from "./chat-client.ts";

export interface ClientSettings {
  name: string;
  person: Person;
  /** `ws://…/ws` */
  url: string;
  /** Milliseconds since the run began. */
  clock: () => number;
}

/** Apps wait longer; a run has no time for it, and the pace that a server dictates is kept anyway. */
const BACKOFF = { baseMs: 200, capMs: 1_000 };

export function sdkClient({ name, person, url, clock }: ClientSettings): ChatClient {
  const views = new Map<string, View>();
  const complaints: string[] = [];
  let cursor: Cursor | null = null;
  const store = {
    load: () => cursor,
    save: (saved: Cursor) => {
      cursor = saved;
    },
  };
  let client = open();

  function open(): Client {
    const made = createClient({
      ...{ url, store, device: name, backoff: BACKOFF },
      token: person.token,
      WebSocket: WebSocket as unknown as SocketConstructor,
    });
    made.on("ready", ({ rooms }) => {
      for (const { room, head } of rooms) if (!views.has(room)) views.set(room, new View(name, room, head));
    });
    made.on("event", take);
    made.on("reset", ({ room, head }) => views.get(room)?.told(head));
    made.on("left", ({ room }) => complaints.push(`${room} was taken away`));
    made.on("state", (state) => {
      if (state.name === "ended" && state.code !== 1000) {
        complaints.push(`was sent away for good: ${state.code} ${state.reason}`);
      }
    });
    return made;
  }

  function take({ room, seq, at, type, id }: EventFrame): void {
    const view = views.get(room) ?? new View(name, room, seq - 1);
    views.set(room, view);
    view.take({ seq, at, type, id: id ?? null, seenAt: clock() });
  }

  return {
    name,
    person,
    views,
    complaints,
    start: async () => {
      await client.connect();
    },
    send: (room, id, text) => client.send(room, text, { id }),
    read: async (room, seq) => {
      await client.read(room, seq);
      return seq;
    },
    sitOut: () => client.disconnect(),
    comeBack: () => {
      client = open();
      void client.connect().catch((error: Error) => complaints.push(error.message));
    },
    stop: () => client.disconnect(),
  };
}
