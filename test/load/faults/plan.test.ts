import { describe, expect, test } from "vitest";
import { KINDS } from "../../../load/faults/kinds.ts";
import { makePlan, planText } from "../../../load/faults/plan.ts";

describe("the plan of a run of faults", () => {
  const plan = makePlan({ seed: 7, seconds: 1_800 });
  const faults = plan.flatMap((step) => step.faults);

  test("is a pure function of the seed", () => {
    expect(planText(makePlan({ seed: 7, seconds: 1_800 }))).toBe(planText(plan));
    expect(planText(makePlan({ seed: 8, seconds: 1_800 }))).not.toBe(planText(plan));
  });

  test("has a hundred faults and more of every kind in half an hour", () => {
    expect(faults.length).toBeGreaterThan(120);
    expect([...new Set(faults.map(({ kind }) => kind))].toSorted()).toEqual(Object.keys(KINDS).toSorted());
  });

  test("keeps its length, and to the kinds that were asked for", () => {
    expect(plan.at(-1)?.at).toBeLessThan(1_800_000);
    const some = makePlan({ seed: 7, seconds: 600, kinds: ["promote", "slow"] });
    expect(new Set(some.flatMap((step) => step.faults.map(({ kind }) => kind)))).toEqual(
      new Set(["promote", "slow"]),
    );
  });

  test("lets nothing happen beside a restore", () => {
    const crowded = plan.filter((step) => step.faults.length > 1);
    expect(crowded.length).toBeGreaterThan(10);
    expect(crowded.flatMap((step) => step.faults).filter(({ kind }) => kind === "restore")).toEqual([]);
  });
});
