/** A few people in a few rooms on every kind of client, for some rounds of histories. */
import { createProvisioning } from "../../target/provisioning.ts";
import { type BareClient, bareClient } from "../clients/bare-client.ts";
import type { ChatClient } from "../clients/chat-client.ts";
import { sdkClient } from "../clients/sdk-client.ts";
import { createLedger, type Ledger } from "../judge/ledger.ts";
import type { Random } from "../random.ts";

export interface Group {
  readonly rooms: readonly string[];
  readonly clients: readonly ChatClient[];
  /** Those that resume with a bare seq: a history that looks the same to the server can't be told from it. */
  readonly unproved: ReadonlySet<ChatClient>;
  readonly reader: BareClient;
  readonly ledger: Ledger;
  /** Sends from clients that are here, and resolves when everything is acknowledged. */
  write(count: number, from: readonly ChatClient[], random: Random): Promise<void>;
  stop(): void;
}

const ROOMS = 2;
const PEOPLE = 6;
const WRITE_LIMIT_MS = 60_000;

export async function gather(
  url: URL,
  adminToken: string,
  name: string,
  clock: () => number,
): Promise<Group> {
  const everybody = Array.from({ length: PEOPLE }, (_, n) => n);
  const plan = { people: PEOPLE, rooms: Array.from({ length: ROOMS }, () => everybody) };
  const { tokens, rooms } = await createProvisioning(url, adminToken).populate(plan, () => undefined);
  const chatUrl = `ws://${url.host}/ws`;
  const settings = (n: number, kind: string) => {
    const person = { name: `${name}p${n}`, token: tokens[n] as string };
    return { name: `${person.name}-${kind}`, person, url: chatUrl, clock };
  };
  const proved = [
    ...[0, 1].map((n) => sdkClient(settings(n, "sdk"))),
    ...[2, 3].map((n) => bareClient({ ...settings(n, "timed"), proof: "seq and time" })),
  ];
  const bare = [4, 5].map((n) => bareClient({ ...settings(n, "bare"), proof: "seq" }));
  const clients = [...proved, ...bare];
  const reader = bareClient({ ...settings(0, "reader"), proof: "seq" });
  const ledger = createLedger();
  let count = 0;
  const stop = () => {
    for (const client of [...clients, reader]) client.stop();
  };
  const started = Promise.all([...clients, reader].map((client) => client.start()));
  await started.catch((error: unknown) => {
    stop();
    throw error;
  });
  return {
    ...{ rooms, clients, reader, ledger, stop, unproved: new Set<ChatClient>(bare) },
    write: async (many, from, random) => {
      const writers = from.map((client) => client);
      await within(WRITE_LIMIT_MS, async () => {
        // One message of a sender after the other, all senders at once.
        const shares = writers.map(() => 0);
        for (let n = 0; n < many && writers.length > 0; n++) {
          const chosen = random.between(0, writers.length - 1);
          shares[chosen] = (shares[chosen] ?? 0) + 1;
        }
        await Promise.all(
          writers.map(async (client, index) => {
            for (let left = shares[index] ?? 0; left > 0; left--) {
              const room = random.pick(rooms);
              const id = `${client.name}-${count++}`;
              const message = ledger.sent({ sender: client.name, room, id, text: `${id} in ${room}` });
              const { seq, at } = await client.send(room, id, message.text);
              ledger.acked(message, { seq, at, ackedAt: clock() });
            }
          }),
        );
      });
    },
  };
}

async function within(limitMs: number, work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not acknowledged within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
