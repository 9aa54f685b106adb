/** The command line of `npm run faults`. */
import { Command, Option } from "commander";
import { bounded } from "../options.ts";
import type { FaultKind } from "./kinds.ts";
import { KINDS } from "./kinds.ts";

export interface FaultsOptions {
  minutes: number;
  seed: number;
  plan: boolean;
  kinds?: FaultKind[];
  async: boolean;
  clients: number;
  rooms: number;
  every: number;
  out?: string;
  progress: boolean;
}

export interface MirrorOptions {
  minutes: number;
  operations: number;
  seed: number;
  plan: boolean;
  people: number;
  rooms: number;
  out?: string;
  progress: boolean;
}

export interface HistoriesOptions {
  count: number;
  seed: number;
  out?: string;
  progress: boolean;
}

const HELP = `
Examples:
  npm run faults -- --minutes 30 --seed 7
  npm run faults -- --minutes 30 --seed 7 --plan
  npm run faults -- --minutes 2 --kinds promote restore
  npm run faults -- histories --count 200 --seed 7
  npm run faults -- mirror --minutes 30 --operations 5000 --seed 7

Starts two gateways, two bridges, PostgreSQL with a streaming standby, Redis and Synapse, all on loopback and gone
with the run, and a TCP proxy before every connection between them. People chat through our SDK, through a bare
WebSocket and in Matrix, while parts are killed, stopped, frozen, cut off, slowed, filled, promoted and restored,
clocks are moved and proxies answer nonsense. At the end every acknowledgement, every reader's view, every unread
count and every Matrix room is held against the logs.

The plan is a pure function of --seed, --minutes and --kinds. The report goes to load/reports/<time>-faults/.

Exit codes: 0 all promises were kept · 1 one was broken: the report names room, seq, id, client and the fault
before it · 2 the command line can't be used, or the run could not be done`;

export interface Actions {
  run(options: FaultsOptions): Promise<void>;
  histories(options: HistoriesOptions): Promise<void>;
  mirror(options: MirrorOptions): Promise<void>;
}

export function buildProgram({ run, histories, mirror }: Actions): Command {
  const kinds = Object.keys(KINDS) as FaultKind[];
  const program = new Command("npm run faults --")
    .description("Breaks a Causeway in every way that we know, and proves that it keeps its promises.")
    .usage("[options] | histories [options] | mirror [options]")
    .addHelpText("after", HELP)
    .showHelpAfterError("(see --help)")
    .addOption(bounded("--minutes <n>", "how long things break", { least: 0.1, most: 600, default: 30 }))
    .addOption(seedOption())
    .addOption(new Option("--plan", "print what would be done and when, and end").default(false))
    .addOption(new Option("--kinds <kind...>", "only these kinds of faults").choices(kinds))
    .addOption(
      new Option(
        "--async",
        "the standby may lack the tail: what its promotion takes away is not lost but cut",
      ).default(false),
    )
    .addOption(bounded("--clients <n>", "people, half on the SDK", { least: 2, most: 50, default: 6 }))
    .addOption(bounded("--rooms <n>", "rooms that everybody is in", { least: 1, most: 20, default: 4 }))
    .addOption(
      bounded("--every <ms>", "between two messages of one person", {
        least: 50,
        most: 60_000,
        default: 1_200,
      }),
    )
    .addOption(outOption())
    .addOption(progressOption())
    .action((options: FaultsOptions) => run(options));
  program
    .command("histories")
    .summary("many restores and promotions of an asynchronous standby, in quick rounds")
    .description(
      "One server and PostgreSQL. Each round writes, takes a backup or holds the standby back, writes on, restores or promotes, and writes anew, while people come back from whatever they saw last. Every view that differs from the log must have been told.",
    )
    .addOption(bounded("--count <n>", "rounds", { least: 1, most: 10_000, default: 200 }))
    .addOption(seedOption())
    .addOption(outOption())
    .addOption(progressOption())
    // Options of the same names belong to the parent, too.
    .action((_: unknown, command: Command) => histories(command.optsWithGlobals<HistoriesOptions>()));
  addMirror(program, mirror);
  return program;
}

function addMirror(program: Command, mirror: Actions["mirror"]): void {
  program
    .command("mirror")
    .summary("everything that people do on either side of the bridge, while bridges and Synapse break")
    .description(
      "People in the chat and in Matrix write, edit, delete, react, answer, send files, come and go and change rooms, while bridges and Synapse are killed, stopped and frozen, and proxies between them answer pages of their own, stall and slow. At the end both sides of every room are compared message by message: nothing may be lost, doubled or different.",
    )
    .addOption(bounded("--minutes <n>", "how long things break", { least: 0.1, most: 600, default: 30 }))
    .addOption(bounded("--operations <n>", "in that time", { least: 1, most: 100_000, default: 5_000 }))
    .addOption(seedOption())
    .addOption(new Option("--plan", "print which faults would come and when, and end").default(false))
    .addOption(
      bounded("--people <n>", "of the chat, three with a Matrix client", { least: 4, most: 20, default: 6 }),
    )
    .addOption(
      bounded("--rooms <n>", "the last one with rules that change", { least: 1, most: 20, default: 4 }),
    )
    .addOption(outOption())
    .addOption(progressOption())
    // Options of the same names belong to the parent, too.
    .action((_: unknown, command: Command) => mirror(command.optsWithGlobals<MirrorOptions>()));
}

function seedOption(): Option {
  return bounded("--seed <n>", "of the plan; without: by chance, and printed", {
    least: 0,
    most: 2 ** 32 - 1,
  });
}

function outOption(): Option {
  return new Option("--out <folder>", "folder of the report");
}

function progressOption(): Option {
  return new Option("--no-progress", "no progress bar");
}
