/** `npm run bridge:remirror`: asks the bridge to mirror a room's log to Matrix again, and shows the progress. */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { readSettings } from "../src/config.ts";
import { openStore, type PostgresStore } from "../src/store/postgres.ts";
import { createBridgeStore } from "./store/bridge-store.ts";

const HELP = `Carries a room's log over to Matrix once more: messages, edits, deletions, reactions and files, in their order.
For rooms whose end a restored homeserver has lost. Rooms that it lost as a whole are made anew without this.

Usage: npm run bridge:remirror -- --room TOKEN [--from SEQ]

  --room TOKEN   the room, by its token of 8 characters
  --from SEQ     the first event to carry over again [1: all of them]

What Matrix still has from SEQ on is there twice afterwards: find the last message that it has, and give the next seq.
Messages that people wrote in Matrix are carried over as well: those of Causeway's users under their own names, those of
others by the bridge's bot, which says whose they are. Each run sends every event once, also when the bridge is killed
meanwhile. Nothing changes in the chat.

A bridge has to run. Interrupting this command ends the watching only. Settings, as for the server:
  DATABASE_URL   the PostgreSQL database (the embedded one belongs to the server alone)
`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  room: { type: "string" },
  from: { type: "string", default: "1" },
} as const;

const LOOK_MS = 1_000;
const TAKEN_MS = 20;
const MAX_TAKEN_TRIES = 1_500;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const { room, from } = values;
  if (room === undefined) throw new Error("--room is missing: the token of the room.");
  if (!/^[1-9]\d{0,14}$/.test(from))
    throw new Error("--from must be a whole number from 1 on, the seq of an event.");
  const { DATABASE_URL: databaseUrl } = readSettings(process.env).config;
  if (databaseUrl === undefined)
    throw new Error(
      "DATABASE_URL is missing: set it as for the server. With the embedded database this can't be done: it belongs to the server alone.",
    );
  const store = await openStore({ databaseUrl, maxConnections: 1 });
  try {
    await remirror(store, room, Number(from));
  } finally {
    await store.close();
  }
}

async function remirror(store: PostgresStore, token: string, from: number): Promise<void> {
  const bridge = createBridgeStore(store.sql);
  let started = await bridge.remirror(token, from);
  for (let tries = 0; started === "busy" && tries < MAX_TAKEN_TRIES; tries++) {
    await delay(TAKEN_MS);
    started = await bridge.remirror(token, from);
  }
  if (started === "busy")
    throw new Error(`The bridge is at work on ${token}, or can't send what waits there; try again later.`);
  if (started === null) throw new Error(`No room with the token ${token} is in Matrix.`);
  const { id, head } = started;
  if (from > head)
    throw new Error(`The log of ${token} ends at ${head}: there is no event ${from} to carry over.`);
  process.stdout.write(`Room ${token}: the bridge carries events ${from} to ${head} over\n`);
  for (let last = -1; ; ) {
    const progress = await bridge.progress(id);
    if (!progress) throw new Error(`The room ${token} was deleted meanwhile.`);
    if (progress.mirrored !== last) process.stdout.write(`  ${progress.mirrored} of ${head}\n`);
    last = progress.mirrored;
    if (last >= head) break;
    await delay(LOOK_MS);
  }
  process.stdout.write("Done\n");
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\nMore: npm run bridge:remirror -- --help\n`);
  process.exit(1);
});
