/** A run of faults as a report of load: tables, figures, and each violation with what was broken before it. */
import { timeChart } from "../report/charts.ts";
import { emptyOutcome, milliseconds, number, type Outcome, type Table } from "../report/outcome.ts";
import type { Violation } from "./judge/judge.ts";
import { described, type FaultKind } from "./kinds.ts";
import type { FaultRecord, RunResult } from "./run.ts";

const SHOWN_VIOLATIONS = 40;

export function outcomeOf(result: RunResult, seed: number): Outcome {
  const { faults, violations } = result;
  const promotions = faults.flatMap(({ writesBackMs }) => writesBackMs ?? []);
  const outages = faults.map(({ startedAt, wholeAt }): [number, number] => [
    startedAt / 1000,
    (wholeAt - startedAt) / 1000,
  ]);
  return {
    ...emptyOutcome(),
    tables: [summary(result, promotions), kindTable(faults)],
    charts: [
      timeChart("faults", "From each fault to a whole site", [{ name: "seconds", points: outages }], "s"),
    ],
    figures: {
      ...{ seed, faults: faults.length, skipped: result.skipped, seconds: result.seconds },
      ...{
        messages: result.messages,
        acknowledged: result.acknowledged,
        matrixMessages: result.matrixMessages,
      },
      ...{ cut: result.cut, resets: result.resets, longestSilenceMs: result.longestSilenceMs },
      ...{ writesBackMs: promotions, violations, records: faults },
    },
    faults: violationLines(violations, faults),
    notes: [
      `seed ${seed}: the same seed, length and kinds make the same plan (--plan shows it)`,
      "lost: acknowledged, and not in the log; what a restore takes away is counted apart, and its readers must be told",
      ...(result.skipped > 0 ? [`${result.skipped} faults of the plan were left out: time was up`] : []),
    ],
  };
}

function summary(result: RunResult, promotions: readonly number[]): Table {
  const count = (kind: Violation["kind"]) =>
    number(result.violations.filter((one) => one.kind === kind).length);
  return {
    title: "What was promised",
    columns: ["measure", "value"],
    rows: [
      ["faults", number(result.faults.length)],
      ["messages sent, acknowledged", `${number(result.messages)}, ${number(result.acknowledged)}`],
      ["messages written in Matrix", number(result.matrixMessages)],
      ["acknowledged and lost", count("lost")],
      ["doubled", count("doubled")],
      [
        "out of order, or elsewhere than acknowledged",
        number(Number(count("disordered")) + Number(count("moved"))),
      ],
      ["readers that diverged and were not told", count("diverged")],
      ["readers with a gap, or behind at the end", number(Number(count("gap")) + Number(count("behind")))],
      ["wrong unread counts", count("unread")],
      ["faults of the Matrix side", count("matrix")],
      ["parts that ended or did not come back", count("part")],
      ["messages that a restore took away, readers told", `${number(result.cut)}, ${number(result.resets)}`],
      [
        "writes back after a promotion, longest",
        promotions.length ? milliseconds(Math.max(...promotions)) : "–",
      ],
      ["longest time without any acknowledgement", milliseconds(result.longestSilenceMs)],
    ],
  };
}

function kindTable(records: readonly FaultRecord[]): Table {
  const kinds = [...new Set(records.map(({ fault }) => fault.kind))];
  const row = (kind: FaultKind) => {
    const own = records.filter(({ fault }) => fault.kind === kind);
    const whole = own.map(({ healedAt, wholeAt }) => wholeAt - healedAt).sort((a, b) => a - b);
    const middle = whole[Math.floor(whole.length / 2)] ?? 0;
    return [kind, number(own.length), milliseconds(middle), milliseconds(whole.at(-1) ?? 0)];
  };
  return {
    title: "Kinds, and how long after them everything was whole",
    columns: ["kind", "count", "median", "longest"],
    rows: kinds.map(row),
  };
}

/** `lost: room k3p9 seq 12 id p1-7 client p1: …; before it: kill gateway-1` */
export function violationLines(violations: readonly Violation[], records: readonly FaultRecord[]): string[] {
  const lines = violations.slice(0, SHOWN_VIOLATIONS).map((violation) => {
    const { kind, text, at } = violation;
    const names = ["room", "seq", "id", "client"] as const;
    const where = names.flatMap((name) =>
      violation[name] === undefined ? [] : [`${name} ${violation[name]}`],
    );
    const before = at === undefined ? undefined : records.findLast(({ startedAt }) => startedAt <= at);
    const account = before
      ? `; before it, at ${(before.startedAt / 1000).toFixed(1)} s: ${described(before.fault)}`
      : "";
    return `${[kind, ...where].join(" ")}: ${text}${account}`;
  });
  const more = violations.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more; report.json has all`] : lines;
}
