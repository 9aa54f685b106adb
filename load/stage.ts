/** What every scenario works with; all that was started is ended in reverse, however the scenario ends. */
import { type Crew, startCrew } from "./crew.ts";
import type { CommonOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import type { Target } from "./target/target.ts";

export interface Stage<Options extends CommonOptions = CommonOptions> {
  readonly options: Options;
  readonly progress: Progress;
  /** The worker processes, started when first asked for. */
  crew(): Crew;
  /** Waits for a target and ends it with the stage. */
  use<T extends Target>(starting: Promise<T>): Promise<T>;
  /** Ends a target before the stage ends. */
  end(target: Target): Promise<void>;
  /** Names the target for the report. */
  describe(target: string): void;
  readonly described: string;
  close(): Promise<void>;
}

export function openStage<Options extends CommonOptions>(
  options: Options,
  progress: Progress,
): Stage<Options> {
  const enders: (() => Promise<void> | void)[] = [];
  let crew: Crew | null = null;
  let described = "";
  return {
    options,
    progress,
    crew: () => {
      if (crew === null) {
        crew = startCrew(options.workers);
        enders.push(crew.stop);
      }
      return crew;
    },
    use: async (starting) => {
      const target = await starting;
      enders.push(target.stop);
      return target;
    },
    end: async (target) => {
      enders.splice(enders.indexOf(target.stop), 1);
      await target.stop();
    },
    describe: (target) => {
      described = target;
    },
    get described() {
      return described;
    },
    close: async () => {
      const failures: unknown[] = [];
      for (let end = enders.pop(); end; end = enders.pop()) {
        try {
          await end();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
