import { setTimeout as delay } from "node:timers/promises";
import { type AskingClient, openAskingClient } from "../asking-client.ts";
import { exactCpu } from "../measuring/process-watch.ts";
import { bounded } from "../options.ts";
import { number, type Outcome } from "../report/outcome.ts";
import { areIndexed, livingAfterFirst, markRooms, setMarkersBack } from "../services/marked-rooms.ts";
import type { Stage } from "../stage.ts";
import { type CausewayTarget, causewayTarget } from "../target/causeway-target.ts";
import { type Cell, QUESTIONS, type Question, receiptsOutcome } from "./receipts-report.ts";
import type { Scenario } from "./scenario.ts";

export interface ReceiptsOptions {
  most: number;
  messages: number;
  rounds: number;
}

type ReceiptsStage = Stage<Stage["options"] & ReceiptsOptions>;

const SIZES = [10, 100, 1_000];
const BEHIND = [1, 100, 10_000];
/** The people whose markers are moved: the first members of a large room, or all of several small ones. */
const MOVERS = 100;
/** So many ask at once: the members of a small room. */
const AT_ONCE = 10;
/** The server puts words of messages into its index in the background, and has so long for it. */
const INDEXING_MS = 300_000;

interface MovedRoom {
  cell: Cell;
  /** People by their numbers. */
  members: number[];
  room: string;
  id: number;
  /** The seq before the messages. */
  start: number;
}

export const receipts: Scenario<ReceiptsOptions> = {
  name: "receipts",
  summary: "the cost of moving markers over many messages in large rooms",
  description: `Members of rooms of 10, 100 and 1,000 say that 1, 100 and 10,000 messages have come to their device, read the
first of them and then the rest, and ask who has read the last. A tenth of the messages is deleted. Reports the CPU of server
and database for each question, ten at once: it must not grow with the messages. Rooms take turns, so that what
else happens on the machine meets all of them. Reading the first includes looking up whether one may, which holds for the
next. What those hear who look at the room is not shown.`,
  options: [
    bounded("--most <n>", "members of the largest rooms", { least: 10, most: 1_000, default: 1_000 }),
    bounded("--messages <n>", "messages behind a marker at most", {
      least: 1,
      most: 10_000,
      default: 10_000,
    }),
    bounded("--rounds <n>", "rounds in which each marker is moved", { least: 1, most: 1_000, default: 20 }),
  ],
  run: async (stage): Promise<Outcome> => {
    const target = await stage.use(causewayTarget(stage.options));
    const { databaseUrl } = target;
    if (databaseUrl === null)
      throw new Error("receipts fills a database of its own: leave --url and --embedded out");
    stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
    const { rooms, tokens } = await populate(stage, target);
    await fill(stage, databaseUrl, rooms);
    // A session that is open would be told of a log that moved without its server.
    const clients = await Promise.all(tokens.map((token) => openAskingClient(target.url, token)));
    for (const moved of rooms)
      moved.start = headOf(clients[moved.members[0] as number], moved.room) - moved.cell.behind;
    const faults = await moveMarkers(stage, target, databaseUrl, { rooms, clients });
    for (const client of clients) client.close();
    return receiptsOutcome(cellsOf(rooms), [...faults], stage.options.rounds);
  },
};

async function populate(
  { options, progress }: ReceiptsStage,
  target: CausewayTarget,
): Promise<{ rooms: MovedRoom[]; tokens: string[] }> {
  const rooms = SIZES.filter((size) => size <= options.most).flatMap((size) =>
    BEHIND.filter((behind) => behind <= options.messages).flatMap((behind) => roomsOf(size, behind)),
  );
  const people = Math.max(MOVERS, ...rooms.map(({ members }) => members.length));
  progress.step(`making ${number(people)} people`, people + rooms.length);
  const plan = { people, rooms: rooms.map(({ members }) => members) };
  const made = await target.populate(plan, (done) => progress.at(done));
  for (const [n, moved] of rooms.entries()) {
    moved.room = made.rooms[n] as string;
    moved.id = made.roomIds[n] as number;
  }
  return { rooms, tokens: made.tokens.slice(0, MOVERS) };
}

function roomsOf(size: number, behind: number): MovedRoom[] {
  const used = () => ({ cpu: 0, asked: 0 });
  const cell: Cell = {
    members: size,
    behind,
    used: { delivered: used(), "read the first": used(), "read the rest": used(), receipts: used() },
  };
  return Array.from({ length: Math.ceil(MOVERS / size) }, (_, room) => {
    const members = Array.from({ length: size }, (_, member) => room * size + member);
    return { cell, members, room: "", id: 0, start: 0 };
  });
}

function cellsOf(rooms: readonly MovedRoom[]): Cell[] {
  return [...new Set(rooms.map(({ cell }) => cell))];
}

function headOf(client: AskingClient | undefined, room: string): number {
  const entry = client?.ready.rooms.find((one) => one.room === room);
  if (!entry) throw new Error(`room ${room} is not in the list of its member`);
  return entry.head;
}

async function fill(stage: ReceiptsStage, databaseUrl: string, rooms: readonly MovedRoom[]): Promise<void> {
  const messages = rooms.reduce((sum, { cell }) => sum + cell.behind, 0);
  stage.progress.step(`writing ${number(messages)} messages`, 1);
  await markRooms(
    databaseUrl,
    rooms.map(({ id, cell }) => ({ id, behind: cell.behind })),
  );
  for (const until = Date.now() + INDEXING_MS; !(await areIndexed(databaseUrl)); await delay(500))
    if (Date.now() > until) throw new Error("the messages were not indexed in time");
}

/** @returns what was answered wrong */
async function moveMarkers(
  { options, progress }: ReceiptsStage,
  { pids }: CausewayTarget,
  databaseUrl: string,
  { rooms, clients }: { rooms: readonly MovedRoom[]; clients: readonly AskingClient[] },
): Promise<Set<string>> {
  const faults = new Set<string>();
  const cpu = () => (exactCpu(pids.server) ?? Number.NaN) + (exactCpu(pids.database) ?? Number.NaN);
  const cells = cellsOf(rooms);
  progress.step("moving markers", options.rounds);
  // The first round warms up the server and its connections.
  for (let round = 0; round <= options.rounds; round++) {
    await setMarkersBack(databaseUrl);
    for (const cell of cells) {
      const own = rooms.filter((moved) => moved.cell === cell);
      for (const question of QUESTIONS) {
        const before = cpu();
        const asked = await askAll(question, own, clients, faults);
        if (round === 0) continue;
        cell.used[question].cpu += cpu() - before;
        cell.used[question].asked += asked;
      }
    }
    progress.at(round);
  }
  return faults;
}

/** Every mover asks, a few at once. @returns how many did */
async function askAll(
  question: Question,
  rooms: readonly MovedRoom[],
  clients: readonly AskingClient[],
  faults: Set<string>,
): Promise<number> {
  let asked = 0;
  for (const moved of rooms) {
    const movers = moved.members.slice(0, MOVERS);
    for (let first = 0; first < movers.length; first += AT_ONCE) {
      const few = movers.slice(first, first + AT_ONCE);
      const found = await Promise.all(
        few.map((member) => ask(question, moved, clients[member] as AskingClient)),
      );
      for (const fault of found)
        if (fault !== null) faults.add(`${question} of ${number(moved.cell.behind)}: ${fault}`);
    }
    asked += movers.length;
  }
  return asked;
}

/** @returns what is wrong with the answer; null: nothing */
async function ask(question: Question, moved: MovedRoom, client: AskingClient): Promise<string | null> {
  const { room, start, cell, members } = moved;
  const head = start + cell.behind;
  switch (question) {
    case "delivered":
      await client.ask("delivered", { rooms: { [room]: head } });
      return null;
    case "read the first": {
      const { unread } = await client.ask("read", { room, seq: start + 1 });
      const expected = livingAfterFirst(cell.behind);
      return unread === expected ? null : `${unread} are unread and not ${expected}`;
    }
    case "read the rest": {
      const { read, unread } = await client.ask("read", { room, seq: head });
      return read === head && unread === 0 ? null : `read up to ${read} of ${head}, ${unread} unread`;
    }
    case "receipts": {
      const { counts } = await client.ask("receipts", { room, seq: head });
      const expected = Math.min(MOVERS, members.length);
      return counts.read === expected ? null : `${counts.read} have read it and not ${expected}`;
    }
  }
}
