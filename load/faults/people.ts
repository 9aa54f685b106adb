/** People who chat without a pause while things break: they send, read, and keep book of what they were told. */
import { setTimeout as delay } from "node:timers/promises";
import type { ChatClient } from "./clients/chat-client.ts";
import type { MatrixPerson } from "./clients/matrix-person.ts";
import type { Ledger, SentMessage } from "./judge/ledger.ts";
import type { Random } from "./random.ts";

export interface Chatter {
  /** Ends sending and resolves when everything sent is acknowledged. @throws Error that names what is not */
  finish(limitMs: number): Promise<void>;
  /** When the last message was acknowledged, by sender, in milliseconds since the run began. */
  lastAck(sender: string): number;
  readonly longestSilenceMs: number;
}

export interface ChatterOptions {
  clients: readonly ChatClient[];
  matrix: readonly MatrixPerson[];
  rooms: readonly string[];
  ledger: Ledger;
  random: Random;
  clock: () => number;
  /** Milliseconds between two messages of one person, on average. */
  everyMs: number;
  onAck(sender: string, at: number): void;
}

const READ_SHARE = 0.3;
/** People write less in Matrix: a homeserver takes a few dozen messages a second. */
const MATRIX_PACE = 4;

export function startChatter(options: ChatterOptions): Chatter {
  const { clients, matrix, ledger, clock } = options;
  const open = new Set<SentMessage>();
  const lastAcks = new Map<string, number>();
  let isSending = true;
  let lastAckAt = clock();
  let longestSilenceMs = 0;

  const acked = (message: SentMessage) => {
    open.delete(message);
    const at = clock();
    longestSilenceMs = Math.max(longestSilenceMs, at - lastAckAt);
    lastAckAt = at;
    lastAcks.set(message.sender, at);
    options.onAck(message.sender, at);
  };
  for (const client of clients) {
    void chat(
      options,
      client.name,
      options.everyMs,
      () => isSending,
      async (room, id, text) => {
        const message = ledger.sent({ sender: client.name, room, id, text });
        open.add(message);
        const { seq, at } = await client.send(room, id, text);
        ledger.acked(message, { seq, at, ackedAt: clock() });
        acked(message);
        if (options.random.chance(READ_SHARE)) void markRead(ledger, client, room);
      },
    );
  }
  for (const person of matrix) {
    void chat(
      options,
      person.name,
      options.everyMs * MATRIX_PACE,
      () => isSending,
      async (room, id, text) => {
        const message = ledger.sent({ sender: person.name, room, id, text });
        open.add(message);
        await person.send(room, id, text);
        message.takenAt = clock();
        open.delete(message);
      },
    );
  }
  return {
    finish: async (limitMs) => {
      isSending = false;
      for (const deadline = clock() + limitMs; open.size > 0; await delay(50)) {
        const [first] = open;
        if (clock() > deadline && first) {
          throw new Error(`${open.size} messages were never acknowledged, first “${first.text}”`);
        }
      }
    },
    lastAck: (sender) => lastAcks.get(sender) ?? 0,
    get longestSilenceMs() {
      return longestSilenceMs;
    },
  };
}

/** One message at a time in each room, so that each sender's order is known. */
async function chat(
  { rooms, random }: ChatterOptions,
  name: string,
  everyMs: number,
  isSending: () => boolean,
  send: (room: string, id: string, text: string) => Promise<void>,
): Promise<void> {
  const busy = new Set<string>();
  for (let n = 0; isSending(); await delay(everyMs * 2 * random.next())) {
    const room = random.pick(rooms);
    if (busy.has(room)) continue;
    busy.add(room);
    const id = `${name}-${n++}`;
    // A client that was stopped is done for good, and so is its room.
    send(room, id, `${id} in ${room}`).then(
      () => busy.delete(room),
      () => undefined,
    );
  }
}

async function markRead(ledger: Ledger, client: ChatClient, room: string): Promise<void> {
  const seq = client.views.get(room)?.last ?? 0;
  if (seq === 0) return;
  const confirmed = await client.read(room, seq).catch(() => null);
  if (confirmed !== null) ledger.read(client.person.name, room, confirmed);
}
