import { describe, expect, test } from "vitest";
import { addFaults, SeqChecker } from "../../load/measuring/checker.ts";

function checkerAfter(start: number, seqs: number[]): SeqChecker {
  const checker = new SeqChecker(start);
  for (const seq of seqs) checker.take(seq);
  return checker;
}

describe("the checker of a room", () => {
  test("finds nothing wrong with every seq once and in order", () => {
    const checker = checkerAfter(4, [5, 6, 7]);
    expect(checker.isComplete(7)).toBe(true);
    expect(checker.faults(7)).toEqual({ missing: 0, doubled: 0, disordered: 0 });
  });

  test("counts each seq that was skipped as missing", () => {
    const checker = checkerAfter(0, [1, 2, 5, 6]);
    expect(checker.isComplete(6)).toBe(false);
    expect(checker.faults(6)).toEqual({ missing: 2, doubled: 0, disordered: 0 });
  });

  test("counts the end that never came as missing", () => {
    expect(checkerAfter(0, [1, 2]).faults(5)).toEqual({ missing: 3, doubled: 0, disordered: 0 });
  });

  test("counts everything as missing where nothing came", () => {
    expect(checkerAfter(10, []).faults(12)).toEqual({ missing: 2, doubled: 0, disordered: 0 });
  });

  test("counts what came again as doubled, also from before the start", () => {
    const checker = checkerAfter(3, [4, 4, 5, 4, 2]);
    expect(checker.faults(5)).toEqual({ missing: 0, doubled: 3, disordered: 0 });
  });

  test("tells a double from what came late: the latter is out of order and not missing", () => {
    const checker = checkerAfter(0, [1, 3, 2, 2]);
    expect(checker.isComplete(3)).toBe(true);
    expect(checker.faults(3)).toEqual({ missing: 0, doubled: 1, disordered: 1 });
  });

  test("says of each event whether it was new", () => {
    const checker = new SeqChecker(0);
    expect([1, 3, 3, 2, 2, 4].map((seq) => checker.take(seq))).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ]);
  });

  test("starts anew where the server said that it sends nothing old", () => {
    const checker = checkerAfter(0, [1, 5]);
    checker.restart(9);
    checker.take(10);
    expect(checker.faults(10)).toEqual({ missing: 0, doubled: 0, disordered: 0 });
  });

  test("agrees with a plain count for any order, loss and repetition", () => {
    // A fixed pseudo-random sequence: a failure can be seen again.
    let state = 12_345;
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state % below;
    };
    for (let round = 0; round < 200; round++) {
      const seqs = Array.from({ length: random(30) }, () => 1 + random(20));
      const seen = new Set(seqs);
      const { missing, doubled } = checkerAfter(0, seqs).faults(20);
      expect(missing).toBe(20 - seen.size);
      expect(doubled).toBe(seqs.length - seen.size);
    }
  });
});

test("faults of several checkers add up", () => {
  const all = [checkerAfter(0, [1, 3]).faults(3), checkerAfter(0, [1, 1]).faults(2)];
  expect(addFaults(all)).toEqual({ missing: 2, doubled: 1, disordered: 0 });
});
