/** A client that somebody wrote from PROTOCOL.md alone, without our SDK. */
import { setTimeout as delay } from "node:timers/promises";
import { shouldReconnect } from "../../../src/protocol/close-codes.ts";
import type { EventFrame, ReadyFrame } from "../../../src/protocol/frames.ts";
import { View } from "../judge/view.ts";
import type { ChatClient } from "./chat-client.ts";
import type { ClientSettings } from "./sdk-client.ts";
import { ConnectionGone, openSession, Refusal, type Session } from "./session.ts";

export interface BareSettings extends ClientSettings {
  /** What it says of a room when it resumes: the bare seq, or the event's time with it, which proves the history. */
  proof: "seq" | "seq and time";
}

const RETRY_MS = 200;
const MAX_RETRY_MS = 1_000;

export interface BareClient extends ChatClient {
  /** The answer to the last hello; null before the first. */
  readonly ready: ReadyFrame | null;
  /** The whole log of a room as the server tells it, page by page. */
  history(room: string): Promise<EventFrame[]>;
}

export function bareClient({ name, person, url, clock, proof }: BareSettings): BareClient {
  const views = new Map<string, View>();
  const complaints: string[] = [];
  let ready: ReadyFrame | null = null;
  let session: Session | null = null;
  let state: "here" | "away" | "stopped" = "here";
  const waiting: (() => void)[] = [];
  const wake = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };

  function resume() {
    if (ready === null) return undefined;
    const rooms = [...views].map(([room, view]) => {
      const { last, at } = view;
      return [room, proof === "seq and time" && at !== null ? { seq: last, at } : last] as const;
    });
    return { epoch: ready.epoch, rooms: Object.fromEntries(rooms) };
  }

  function begin(frame: ReadyFrame): void {
    ready = frame;
    const proofs = new Map((frame.resumed ?? []).map((each) => [each.room, each]));
    for (const { room, head, at } of frame.rooms) {
      const view = views.get(room);
      const answer = proofs.get(room);
      if (!view) views.set(room, new View(name, room, head, at));
      else if (!answer?.recovered) view.told(head, at);
      else if (answer.from !== view.last + 1)
        complaints.push(`${room} went on from ${answer.from} after ${view.last}`);
    }
    const present = new Set(frame.rooms.map(({ room }) => room));
    for (const room of views.keys()) if (!present.has(room)) complaints.push(`${room} was taken away`);
  }

  function take({ room, seq, at, type, id }: EventFrame): void {
    const view = views.get(room) ?? new View(name, room, seq - 1);
    views.set(room, view);
    const isNext = seq === view.last + 1;
    view.take({ seq, at, type, id: id ?? null, seenAt: clock() });
    // A hole is never filled by waiting: PROTOCOL.md §7.
    if (!isNext) session?.drop();
  }

  /** One session from its opening to its end; returns how long to wait before the next. */
  async function visit(): Promise<number | null> {
    const hello = { op: "hello", token: person.token, device: name, ...(ready && { resume: resume() }) };
    const opened = await openSession(url, hello, { onReady: begin, onEvent: take });
    session = opened;
    wake();
    const { code, reconnectMs } = await opened.ended;
    session = null;
    return shouldReconnect(code) ? (reconnectMs ?? Math.random() * RETRY_MS) : null;
  }

  async function live(): Promise<void> {
    for (let failures = 0; state === "here"; ) {
      const waitMs = await visit().catch((error: Error) => {
        if (error instanceof Refusal && !error.retry) complaints.push(`hello was refused: ${error.message}`);
        return Math.random() * Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures++);
      });
      if (waitMs === null) {
        complaints.push("was sent away for good");
        return;
      }
      await delay(waitMs);
    }
  }

  let living = Promise.resolve();
  /** One session at a time: who comes back at once goes on in the life that has not noticed yet that they were away. */
  const goOn = () => {
    living = living.then(live);
  };

  const here = () => (session ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(resolve)));

  async function ask<T>(frame: Record<string, unknown>): Promise<T> {
    for (;;) {
      await here();
      if (state === "stopped") throw new ConnectionGone("the client was stopped");
      try {
        return (await session?.ask(frame)) as T;
      } catch (error) {
        if (error instanceof Refusal && !error.retry) throw error;
        await delay(error instanceof Refusal ? (error.retryAfterMs ?? RETRY_MS) : 0);
      }
    }
  }

  return {
    name,
    person,
    views,
    complaints,
    get ready() {
      return ready;
    },
    start: async () => {
      goOn();
      await here();
    },
    send: (room, id, text) => ask({ op: "send", room, id, text }),
    read: async (room, seq) => {
      try {
        return (
          ((await session?.ask({ op: "read", room, seq })) as { read: number } | undefined)?.read ?? null
        );
      } catch {
        return null; // Refused or lost: the next marker says more.
      }
    },
    history: async (room) => {
      const all: EventFrame[] = [];
      for (let more = true; more; ) {
        const page = await ask<{ events: EventFrame[]; more: boolean }>({
          ...{ op: "history", room, after: all.at(-1)?.seq ?? 0, limit: 200 },
        });
        all.push(...page.events);
        more = page.more;
      }
      return all;
    },
    sitOut: () => {
      state = "away";
      session?.drop();
    },
    comeBack: () => {
      state = "here";
      goOn();
    },
    stop: () => {
      state = "stopped";
      session?.drop();
      wake();
    },
  };
}
