/** What {@link receipts} found, as tables and curves. */
import { type Line, lineChart } from "../report/charts.ts";
import {
  type Chart,
  emptyOutcome,
  microseconds,
  number,
  type Outcome,
  type Table,
} from "../report/outcome.ts";

/** What is asked of the server, in this order: what was read counts as delivered. */
export const QUESTIONS = ["delivered", "read the first", "read the rest", "receipts"] as const;
export type Question = (typeof QUESTIONS)[number];

/** Rooms of one size, with as many messages behind the markers. */
export interface Cell {
  members: number;
  behind: number;
  /** Seconds of CPU of server and database, and how often it was asked. */
  used: Record<Question, { cpu: number; asked: number }>;
}

/** @param cells those with fewer members first, and among them those with fewer messages */
export function receiptsOutcome(cells: readonly Cell[], faults: string[], rounds: number): Outcome {
  const worst = QUESTIONS.map((question) => `${question} ${number(worstRatio(question, cells))} ×`);
  return {
    ...emptyOutcome(),
    tables: QUESTIONS.map((question) => tableOf(question, cells)),
    charts: [
      overMessages("delivered", ["delivered"], cells),
      overMessages("read", ["read the first", "read the rest"], cells),
      overMembers(cells),
    ],
    figures: {
      cells: cells.map(({ members, behind, used }) => ({
        ...{ members, behind },
        cpu: Object.fromEntries(QUESTIONS.map((question) => [question, cost(used[question])])),
      })),
    },
    faults,
    notes: [
      `${number(rounds)} rounds; the CPU of one marker or question, of server and database together`,
      `the highest cost with more messages over that with the fewest: ${worst.join(", ")}`,
    ],
  };
}

/** Seconds of CPU. */
function cost({ cpu, asked }: Cell["used"][Question]): number {
  return cpu / asked;
}

/** Cells of rooms of the same size. */
function sizesOf(cells: readonly Cell[]): Map<number, Cell[]> {
  const sizes = new Set(cells.map(({ members }) => members));
  return new Map([...sizes].map((size) => [size, cells.filter(({ members }) => members === size)]));
}

function worstRatio(question: Question, cells: readonly Cell[]): number {
  const ratios = [...sizesOf(cells).values()].flatMap((row) =>
    row.map(({ used }) => cost(used[question]) / cost((row[0] as Cell).used[question])),
  );
  return Math.max(...ratios);
}

function tableOf(question: Question, cells: readonly Cell[]): Table {
  const sizes = [...sizesOf(cells)];
  const behind = (sizes[0]?.[1] ?? []).map((cell) => `${number(cell.behind)} behind`);
  return {
    title: `CPU of: ${question}`,
    columns: ["members", ...behind, "last of first"],
    rows: sizes.map(([members, row]) => {
      const costs = row.map(({ used }) => cost(used[question]));
      const ratio = (costs.at(-1) ?? Number.NaN) / (costs[0] ?? Number.NaN);
      return [number(members), ...costs.map(microseconds), `${number(ratio)} ×`];
    }),
  };
}

function overMessages(file: string, questions: readonly Question[], cells: readonly Cell[]): Chart {
  const lines = questions.flatMap((question) =>
    [...sizesOf(cells)].map(
      ([members, row]): Line => ({
        name: `${question}, ${number(members)} members`,
        points: row.map(({ behind, used }) => [behind, cost(used[question]) * 1e6]),
      }),
    ),
  );
  const title = `CPU of moving a marker (${file}) over the messages behind it`;
  return lineChart(file, title, lines, { name: "messages", type: "log" }, { name: "µs" });
}

function overMembers(cells: readonly Cell[]): Chart {
  const most = Math.max(...cells.map(({ behind }) => behind));
  const far = cells.filter(({ behind }) => behind === most);
  const lines = QUESTIONS.map(
    (question): Line => ({
      name: question,
      points: far.map(({ members, used }) => [members, cost(used[question]) * 1e6]),
    }),
  );
  const title = `CPU of a question over the members of the room, ${number(most)} messages behind`;
  return lineChart("members", title, lines, { name: "members", type: "log" }, { name: "µs" });
}
