/** The usage lines of the load and fault programs can be typed as they stand. */
import { expect, test } from "vitest";
import { buildProgram as buildLoad } from "../../load/cli.ts";
import { buildProgram as buildFaults } from "../../load/faults/cli.ts";

const nothing = async () => {};

test.each([
  ["load", buildLoad(nothing), "send"],
  ["faults", buildFaults({ run: nothing, histories: nothing, mirror: nothing }), "histories"],
])("the help of %s names its npm script", (script, program, command) => {
  expect(program.helpInformation()).toMatch(new RegExp(`^Usage: npm run ${script} -- `));
  const help = program.commands.find((one) => one.name() === command)?.helpInformation();
  expect(help).toMatch(new RegExp(`^Usage: npm run ${script} -- ${command} `));
});
