/** A Matrix client over plain HTTP: no more than it takes to time messages there. */
import { setTimeout as delay } from "node:timers/promises";
import { now } from "./measuring/clock.ts";

export interface MatrixLogin {
  accessToken: string;
  userID: string;
  wellKnown: { "m.homeserver": { base_url: string } };
}

export interface MatrixClient {
  /** Joins as soon as the bridge has invited. */
  join(matrixRoomId: string, limitMs: number): Promise<void>;
  /** Resolves when the homeserver has taken it. */
  send(matrixRoomId: string, body: string): Promise<void>;
  /** Calls back for each text that comes after now, with the time at which it came; until `close`. */
  listen(onText: (matrixRoomId: string, body: string, at: number) => void): Promise<void>;
  /** Types, and sends a receipt for the newest message that came. False: none came there yet. */
  attend(matrixRoomId: string): Promise<boolean>;
  /** True once a sync left texts out: then counts mean nothing. */
  readonly hasGaps: boolean;
  close(): void;
}

interface Sync {
  next_batch: string;
  rooms?: { join?: Record<string, { timeline?: Timeline }> };
}
interface Timeline {
  limited?: boolean;
  events: { event_id: string; type: string; content: { body?: string } }[];
}

const SYNC_TIMEOUT_MS = 10_000;
const TIMELINE = 1_000;
const FILTER = JSON.stringify({
  presence: { types: [] },
  account_data: { types: [] },
  room: {
    timeline: { limit: TIMELINE, types: ["m.room.message"] },
    state: { types: [] },
    ephemeral: { types: [] },
    account_data: { types: [] },
  },
});
const RETRIES = 5;
const INVITE_RETRY_MS = 200;

const TYPING_MS = 5_000;

export function createMatrixClient({ accessToken, userID, wellKnown }: MatrixLogin): MatrixClient {
  const base = `${wellKnown["m.homeserver"].base_url.replace(/\/$/, "")}/_matrix/client/v3/`;
  const ending = new AbortController();
  let transactions = 0;
  let hasGaps = false;
  const newest = new Map<string, string>();

  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(base + path, {
        method,
        headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
        signal: ending.signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (answer.ok) return JSON.parse(text) as T;
      if (answer.status !== 429 || attempt > RETRIES) {
        throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 300)}`);
      }
      await delay((JSON.parse(text) as { retry_after_ms?: number }).retry_after_ms ?? 1_000);
    }
  }

  const sync = (since: string | null) =>
    ask<Sync>(
      "GET",
      `sync?filter=${encodeURIComponent(FILTER)}&timeout=${since === null ? 0 : SYNC_TIMEOUT_MS}${since === null ? "" : `&since=${since}`}`,
    );

  async function follow(
    from: string,
    onText: (matrixRoomId: string, body: string, at: number) => void,
  ): Promise<void> {
    for (let since = from; !ending.signal.aborted; ) {
      const { next_batch, rooms } = await sync(since);
      const at = now();
      for (const [matrixRoomId, { timeline }] of Object.entries(rooms?.join ?? {})) {
        hasGaps ||= timeline?.limited === true && timeline.events.length >= TIMELINE;
        for (const { event_id: id, content } of timeline?.events ?? []) {
          newest.set(matrixRoomId, id);
          onText(matrixRoomId, content.body ?? "", at);
        }
      }
      since = next_batch;
    }
  }

  return {
    join: async (matrixRoomId, limitMs) => {
      for (const deadline = now() + limitMs; ; await delay(INVITE_RETRY_MS)) {
        try {
          await ask("POST", `join/${encodeURIComponent(matrixRoomId)}`, {});
          return;
        } catch (error) {
          if (now() > deadline) throw error;
        }
      }
    },
    send: async (matrixRoomId, body) => {
      const path = `rooms/${encodeURIComponent(matrixRoomId)}/send/m.room.message/load${Date.now()}-${transactions++}`;
      // As clients and the bridge write them: homeservers check whom a message mentions, at a price.
      await ask("PUT", path, { msgtype: "m.text", body, "m.mentions": {} });
    },
    listen: async (onText) => {
      const { next_batch } = await sync(null);
      follow(next_batch, onText).catch((error: unknown) => {
        if (ending.signal.aborted) return;
        hasGaps = true;
        process.stderr.write(`sync ended: ${String(error)}\n`);
      });
    },
    attend: async (matrixRoomId) => {
      const room = `rooms/${encodeURIComponent(matrixRoomId)}`;
      const event = newest.get(matrixRoomId);
      if (event === undefined) return false;
      await ask("PUT", `${room}/typing/${encodeURIComponent(userID)}`, { typing: true, timeout: TYPING_MS });
      await ask("POST", `${room}/receipt/m.read/${encodeURIComponent(event)}`, {});
      return true;
    },
    get hasGaps() {
      return hasGaps;
    },
    close: () => ending.abort(),
  };
}
