/** Many cut histories as a report of load. */
import { emptyOutcome, number, type Outcome } from "../../report/outcome.ts";
import { violationLines } from "../report.ts";
import { countCuts, describedRound, type HistoriesResult } from "./histories.ts";

export function historiesOutcome({ rounds }: HistoriesResult, seed: number): Outcome {
  const sum = (count: (round: (typeof rounds)[number]) => number) =>
    rounds.reduce((total, round) => total + count(round), 0);
  const numbered = rounds.map((round, n) => ({ ...round, n: n + 1, what: describedRound(round.plan) }));
  const faults = numbered.flatMap(({ n, what, violations }) =>
    violationLines(violations, []).map((line) => `round ${n} (${what}): ${line}`),
  );
  const undetected = sum(({ violations }) => violations.filter(({ kind }) => kind === "diverged").length);
  return {
    ...emptyOutcome(),
    tables: [
      {
        title: "Histories that were cut",
        columns: ["measure", "value"],
        rows: [
          ["restores of a backup", number(countCuts(rounds, "restore"))],
          ["promotions of a standby that lacked the tail", number(countCuts(rounds, "promote"))],
          ["… of both with the server down meanwhile", number(sum(({ plan }) => Number(plan.isServerDown)))],
          ["acknowledged messages that were taken away", number(sum(({ cut }) => cut))],
          ["readers that held some of them", number(sum(({ concerned }) => concerned))],
          ["divergences that a reader was not told of", number(undetected)],
          ["… of clients that resume with a bare seq", number(sum(({ unproved }) => unproved.length))],
          ["seconds a round", number(sum(({ seconds }) => seconds) / Math.max(1, rounds.length))],
        ],
      },
    ],
    figures: { seed, undetected, rounds: numbered },
    faults,
    notes: [
      `seed ${seed}: round n is made from seed + n − 1`,
      "a bare seq proves no history [GW-7.6]: what those clients were not told of is counted, and is no fault",
    ],
  };
}
