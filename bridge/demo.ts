/**
 * `npm run demo`, against the running server: an app on JSON, an app on MessagePack and a Matrix client write in one room.
 * It shows every line as each of them receives it, and fails when one is missing, doubled or out of order.
 */
import { randomBytes } from "node:crypto";
import { readConfig } from "../src/config.ts";
import { type App, connectApp } from "./demo/app.ts";
import * as api from "./demo/http-api.ts";
import { createListeners, faultsOf, type Listeners } from "./demo/listeners.ts";
import { connectMatrix, type DemoMatrixClient } from "./demo/matrix.ts";

const HELP = `Three clients talk in one room of the running server: two apps and a Matrix client.

Usage: npm run demo        while npm start runs, with the same settings (HOST, PORT or PUBLIC_URL, and DATA_DIR)

It exits with 1, and says why, when a line is missing at one of them, doubled or out of order.
`;
const LIMIT_MS = 120_000;
const READY_LIMIT_MS = 60_000;
const DEVICE = "CAUSEWAYDEMO";
const BURST = 3;

/** Steps that clean up at the end, last first, also after a failure. */
type Undo = (() => Promise<void> | void)[];

interface DemoRoom {
  listeners: Listeners;
  alice: Participant;
  bob: Participant;
  /** Bob's Matrix client. */
  matrix: DemoMatrixClient;
  room: api.Room;
  matrixRoom: string;
  /** Events that an app received out of order. */
  faults: string[];
}
interface Participant {
  app: App;
  /** A token for the Messenger API. */
  token: string;
}

async function main(): Promise<void> {
  if (process.argv.includes("--help") || process.argv.includes("-h")) {
    process.stdout.write(HELP);
    return;
  }
  setTimeout(() => fail(new Error(`The demo took longer than ${LIMIT_MS / 1000} s.`)), LIMIT_MS).unref();
  const undo: Undo = [];
  try {
    const stage = await setUp(undo);
    const faults = await talk(stage);
    if (faults.length > 0) throw new Error(`Not as it should be:\n${faults.map((f) => `  ${f}`).join("\n")}`);
    say("\nEvery line came to all three, once and in one order. The room is deleted again.");
  } finally {
    for (const step of undo.reverse()) {
      await Promise.resolve(step()).catch((error: Error) => say(`Could not tidy up: ${error.message}`));
    }
  }
}

/** Signs in two apps and a Matrix client, and puts them into a new room. */
async function setUp(undo: Undo): Promise<DemoRoom> {
  const site = api.readSite(readConfig(process.env));
  say(`Causeway demo on ${site.url}`);
  await api.untilReady(site, READY_LIMIT_MS, () => say("Waiting until the server is ready …"));
  const listeners = createListeners((listener, from, text) =>
    say(`  ${listener.padEnd(13)}│ ${from}: ${text}`),
  );
  const faults: string[] = [];

  say("\nAlice and Bob sign in over POST /login, and their apps connect: hers speaks JSON, his MessagePack.");
  const [alice, bob] = await connectParticipants(site, listeners, faults, undo);

  const name = `Demo ${randomBytes(3).toString("hex")}`;
  const room = await api.makeRoom(site, alice.token, name, [bob.app.userId]);
  undo.push(() => api.deleteRoom(site, alice.token, room));
  for (const { app } of [alice, bob]) app.watchRoom(room.token);
  say(`Alice makes the room “${name}” through the Messenger API; on the WebSocket it is ${room.token}.`);

  const login = await api.logInToMatrix(site, bob.token, DEVICE);
  const matrix = connectMatrix(login, listeners.add("Bob, Matrix"));
  undo.push(matrix.close);
  const matrixRoom = await api.matrixRoomId(site, alice.token, room);
  await matrix.enter(matrixRoom);
  say(`Bob signs in to Matrix too, with the token that Login handed out, as ${login.userID}`);
  say(`on ${login.wellKnown["m.homeserver"].base_url}, and finds the room there as ${matrixRoom}.`);
  return { listeners, alice, bob, matrix, room, matrixRoom, faults };
}

async function connectParticipants(
  site: api.Site,
  listeners: Listeners,
  faults: string[],
  undo: Undo,
): Promise<[Participant, Participant]> {
  const enter = async (
    login: api.Site["users"][number] | undefined,
    codec: "json" | "msgpack",
    name: string,
  ) => {
    if (!login) throw new Error("demo.json names no two users");
    const onFault = (fault: string) => faults.push(fault);
    const accessToken = await api.logIn(site, login);
    const app = await connectApp({
      url: site.url,
      token: accessToken,
      codec,
      listener: listeners.add(name),
      onFault,
    });
    undo.push(app.close);
    const { id, token } = await api.makeToken(site, app.userId);
    undo.push(() => api.deleteToken(site, id));
    return { app, token };
  };
  const [alice, bob] = site.users;
  return [await enter(alice, "json", "Alice, JSON"), await enter(bob, "msgpack", "Bob, msgpack")];
}

/** Exchanges messages. @returns everything that is wrong with the received and the stored lines */
async function talk({
  listeners,
  alice,
  bob,
  matrix,
  room,
  matrixRoom,
  faults,
}: DemoRoom): Promise<string[]> {
  const spoken: string[] = [];
  const exchange = async (who: string, text: string, speak: (text: string) => Promise<unknown>) => {
    say(`\n${who}`);
    spoken.push(text);
    await speak(text);
    await listeners.untilReceived([text]);
  };
  const inAlicesApp = (text: string) => alice.app.say(room.token, text);
  const inBobsApp = (text: string) => bob.app.say(room.token, text);
  const inMatrix = (text: string) => matrix.say(matrixRoom, text);

  await exchange("Alice writes in her app:", "Hi Bob! This left my phone as JSON.", inAlicesApp);
  await exchange("Bob answers in his:", "Hi Alice! Mine packs it as MessagePack.", inBobsApp);
  await exchange(
    "Bob goes on in his Matrix client:",
    "And this is me in Matrix, under my own name.",
    inMatrix,
  );
  await exchange("Alice answers:", "I can't tell the difference.", inAlicesApp);

  say("\nBoth apps write at the same time:");
  spoken.push(...(await burst({ Alice: inAlicesApp, Bob: inBobsApp })));
  await listeners.untilReceived(spoken);

  return [
    ...faults,
    ...listeners.faults(spoken),
    ...faultsOf("Causeway's log", spoken, await alice.app.texts(room.token)),
    ...faultsOf("the Matrix room", spoken, await matrix.texts(matrixRoom)),
  ];
}

/** Writes from all apps at once. @returns the texts in the order of the log */
async function burst(speakers: Record<string, (text: string) => Promise<number>>): Promise<string[]> {
  const sends = Object.entries(speakers).flatMap(([name, speak]) =>
    Array.from({ length: BURST }, async (_, i) => {
      const text = `quick line ${i + 1} of ${name}`;
      return { text, seq: await speak(text) };
    }),
  );
  return (await Promise.all(sends)).sort((a, b) => a.seq - b.seq).map(({ text }) => text);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(error: unknown): never {
  process.stderr.write(`\nThe demo failed. ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

main().then(() => process.exit(0), fail);
