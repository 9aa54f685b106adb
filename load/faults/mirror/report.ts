/** A run of faults between the chat and Matrix as a report. */
import { emptyOutcome, milliseconds, number, type Outcome, type Table } from "../../report/outcome.ts";
import { described } from "../kinds.ts";
import type { Difference } from "./compare.ts";
import type { MirrorResult } from "./run.ts";

const SHOWN = 40;
/** What the other bridge needs at most to have the rooms of one that was killed. */
const TAKEOVER_LIMIT_MS = 15_000;

export function mirrorOutcome(result: MirrorResult, seed: number): Outcome {
  const { differences, deadLetters, takeovers, broken, faults } = result;
  const slow = takeovers.filter((ms) => ms > TAKEOVER_LIMIT_MS);
  const wordless = deadLetters.filter(({ reason }) => reason.trim() === "");
  const lines = [
    ...differences.map(({ kind, room, text }) => `${kind}: room ${room}: ${text}`),
    ...result.unfinished.map((text) => `unfinished: ${text}`),
    ...broken.map((text) => `part: ${text}`),
    ...slow.map((ms) => `takeover: a killed bridge's rooms were nobody's for ${milliseconds(ms)}`),
    ...wordless.map(({ kind, room }) => `dead letter without a reason: ${kind} of room ${room}`),
  ];
  return {
    ...emptyOutcome(),
    tables: [summary(result), operations(result), kinds(result)],
    figures: {
      ...{ seed, operations: sum(result, "done"), refused: sum(result, "refused") },
      ...{ faults: faults.map(described), takeovers, differences, deadLetters, broken },
      ...{ settledMs: result.settledMs, seconds: result.seconds },
      ...{ kinds: Object.fromEntries(result.operations), refusals: Object.fromEntries(result.refusals) },
    },
    faults: lines.length > SHOWN ? [...lines.slice(0, SHOWN), `and ${lines.length - SHOWN} more`] : lines,
    notes: [
      `seed ${seed}: the same seed, length and size give the same faults and the same choices of operations`,
      "refused: an act that its own side took not, as a message of somebody who was removed a moment before; it is on neither side",
    ],
  };
}

function sum({ operations }: MirrorResult, what: "done" | "refused"): number {
  return [...operations.values()].reduce((total, tally) => total + tally[what], 0);
}

function summary(result: MirrorResult): Table {
  const count = (kind: Difference["kind"]) =>
    number(result.differences.filter((one) => one.kind === kind).length);
  return {
    title: "Both sides, event by event",
    columns: ["measure", "value"],
    rows: [
      ["operations done, refused", `${number(sum(result, "done"))}, ${number(sum(result, "refused"))}`],
      ["faults", number(result.faults.length)],
      ["lost", count("lost")],
      ["doubled", count("doubled")],
      ["different", count("different")],
      ["out of order", count("disordered")],
      ["dead letters, each with its reason", number(result.deadLetters.length)],
      ["both sides agreed after", milliseconds(result.settledMs)],
      [
        "a killed bridge's rooms were nobody's, longest",
        result.takeovers.length > 0 ? milliseconds(Math.max(...result.takeovers)) : "–",
      ],
    ],
  };
}

function operations(result: MirrorResult): Table {
  const rows = [...result.operations].toSorted(([a], [b]) => a.localeCompare(b));
  return {
    title: "Operations",
    columns: ["operation", "done", "refused"],
    rows: rows.map(([name, { done, refused }]) => [name, number(done), number(refused)]),
  };
}

function kinds({ faults }: MirrorResult): Table {
  const counts = new Map<string, number>();
  for (const fault of faults) {
    const at =
      "part" in fault ? fault.part : "parts" in fault ? fault.parts : "link" in fault ? fault.link : "";
    const name = `${fault.kind} ${at}${"answer" in fault ? ` ${fault.answer}` : ""}`.trim();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const rows = [...counts].toSorted(([a], [b]) => a.localeCompare(b));
  return { title: "Faults", columns: ["fault", "count"], rows: rows.map(([name, n]) => [name, number(n)]) };
}
