/** What a scenario is. Each file beside this one exports one; cli.ts lists them. */
import type { Option } from "commander";
import type { CommonOptions, RunDefaults } from "../options.ts";
import type { Outcome } from "../report/outcome.ts";
import type { Stage } from "../stage.ts";

export interface Scenario<Own extends object = object> {
  name: string;
  /** One line for the list of scenarios. */
  summary: string;
  /** What it does, what it reports, and what it does not show. */
  description: string;
  options: Option[];
  /** Defaults of common options that fit this scenario better. */
  defaults?: RunDefaults;
  run(stage: Stage<CommonOptions & Own>): Promise<Outcome>;
}
