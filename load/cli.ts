/** The command line: one command for each scenario. */
import { Command } from "commander";
import { addCommonOptions, type CommonOptions } from "./options.ts";
import { bridge } from "./scenarios/bridge.ts";
import { compare } from "./scenarios/compare.ts";
import { growth } from "./scenarios/growth.ts";
import { history } from "./scenarios/history.ts";
import { idle } from "./scenarios/idle.ts";
import { receipts } from "./scenarios/receipts.ts";
import { rooms } from "./scenarios/rooms.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { search } from "./scenarios/search.ts";
import { fanout, send } from "./scenarios/send.ts";
import { siege } from "./scenarios/siege.ts";
import { storm } from "./scenarios/storm.ts";

/** Each scenario reads the options that it declared. */
type AnyScenario = Omit<Scenario, "run"> & { run(stage: never): ReturnType<Scenario["run"]> };

const SCENARIOS: AnyScenario[] = [
  send,
  fanout,
  idle,
  storm,
  siege,
  rooms,
  history,
  search,
  receipts,
  bridge,
  growth,
  compare,
];

const HELP = `
Examples:
  npm run load -- send --rooms 50 --members 5 --rate 20000 --duration 20
  npm run load -- fanout --members 500 --rate 100
  npm run load -- compare
  npm run load -- send --url https://chat.example.org --i-own-this-server --admin-token …

Without --url a server is started for the run on a free loopback port, with a throw-away PostgreSQL
(synchronous_commit=on), and ended with it. With --url, what the run made is removed again at its end.

Every run is bounded in time and clients, and writes report.md, report.json and pictures into
load/reports/<time>-<scenario>/. The generator watches its own CPU and event loop: when it was the limit,
the run says so and reports no figure.

Exit codes: 0 passed · 1 something was missing, doubled, out of order or refused · 2 the command line can't
be used, or the run could not be done · 3 the generator was the limit`;

export function buildProgram(run: (scenario: AnyScenario, options: CommonOptions) => Promise<void>): Command {
  const program = new Command("npm run load --")
    .description("Load on a Causeway: what a deployment holds, and what a message costs.")
    .usage("<scenario> [options]")
    .addHelpText("after", HELP)
    .showHelpAfterError("(see --help)");
  for (const scenario of SCENARIOS) {
    const command = new Command(scenario.name)
      .summary(scenario.summary)
      .description(scenario.description.replaceAll("\n", " "))
      .optionsGroup(`What ${scenario.name} does:`);
    for (const option of scenario.options) command.addOption(option);
    addCommonOptions(command, scenario.defaults);
    command.action((options: CommonOptions) => run(scenario, options));
    program.addCommand(command);
  }
  return program;
}
