/**
 * The programs that tests run and that nobody here wrote. Each is found, or installed into the user's cache, when the
 * first test of a run asks for it; the run's output then names its version. A second test gets the same answer, also
 * when it is a refusal.
 */
import { SYNAPSE_VERSION, synapseEnvironment } from "../../bridge/local/synapse.ts";
import { findPostgres } from "../../load/services/postgres-binaries.ts";
import { findRedis } from "../../load/services/redis.ts";
import { findChromium } from "./chromium.ts";
import {
  NIO_VERSION,
  nioEnvironment,
  SCHEMATHESIS_VERSION,
  schemathesisEnvironment,
} from "./python-packages.ts";

export type Program = "postgres" | "redis" | "synapse" | "nio" | "schemathesis" | "chromium";

/** Resolves when the program is there. @throws Error of one line that says how to get it */
export type Programs = (program: Program) => Promise<void>;

/** @param say is given lines for people: progress, and what was found */
export function findPrograms(say: (line: string) => void): Programs {
  const asked = new Map<Program, Promise<void>>();
  const has: Programs = (program) => {
    let answer = asked.get(program);
    if (!answer) {
      answer = find[program]().then((version) => say(`tests use ${version}`));
      asked.set(program, answer);
    }
    return answer;
  };
  /** An installation that fails is the matter of those who ask for that program. */
  const settled = (program: Program) => has(program).catch(() => undefined);

  const find: Record<Program, () => Promise<string>> = {
    postgres: async () => {
      const { version, from } = findPostgres();
      return `PostgreSQL ${version} (${from})`;
    },
    redis: async () => {
      const { version, from } = await findRedis(say);
      return `Redis ${version} (${from})`;
    },
    // Redis, Synapse and nio may share one Python environment. It gets all its packages before Synapse runs from it.
    synapse: async () => {
      await synapseEnvironment({ onProgress: say });
      await settled("redis");
      await settled("nio");
      return `Synapse ${SYNAPSE_VERSION} (PyPI)`;
    },
    nio: async () => {
      await nioEnvironment(say);
      return `matrix-nio ${NIO_VERSION}`;
    },
    schemathesis: async () => {
      await schemathesisEnvironment(say);
      return `schemathesis ${SCHEMATHESIS_VERSION}`;
    },
    chromium: async () => `Chromium ${findChromium().version}`,
  };
  return has;
}
