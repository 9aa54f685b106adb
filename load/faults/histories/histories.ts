/** Many histories that are cut by a restore or by the promotion of a standby that lacked the tail, in quick rounds. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../services/free-port.ts";
import type { Violation } from "../judge/judge.ts";
import { startDatabase } from "../parts/database.ts";
import { program } from "../parts/program.ts";
import { seeded } from "../random.ts";
import { type Group, gather } from "./group.ts";
import { type Cut, planRound, playRound, type RoundPlan, type RoundResult } from "./round.ts";

export interface HistoriesRun {
  count: number;
  seed: number;
  signal: AbortSignal;
  onRound(done: number, what: string): void;
}

export interface PlayedRound extends RoundResult {
  plan: RoundPlan;
  seconds: number;
}

export interface HistoriesResult {
  rounds: PlayedRound[];
  outputs: Record<string, string>;
}

/** New people and rooms after so many rounds, or after a violation: logs stay short, and nothing is told twice. */
const ROUNDS_OF_A_GROUP = 10;
const HEARTBEAT_MS = 2_000;

export async function runHistories({ count, seed, signal, onRound }: HistoriesRun): Promise<HistoriesResult> {
  const began = performance.now();
  const clock = () => performance.now() - began;
  const folder = mkdtempSync(join(tmpdir(), "causeway-histories-"));
  const database = await startDatabase(false);
  const adminToken = randomBytes(24).toString("base64url");
  const server = program("server", await freePort(), folder, {
    ADMIN_TOKEN: adminToken,
    DATABASE_URL: database.pair.url(database.name),
    DATA_DIR: join(folder, "data"),
    DEMO: "off",
    DRAIN_MS: "100",
    HEARTBEAT_MS: String(HEARTBEAT_MS),
    LOG_LEVEL: "warn",
    MATRIX_HOMESERVER_URL: "off",
    RATE_LIMITS: "off",
  });
  const url = new URL(`http://127.0.0.1:${server.port}`);
  const rounds: PlayedRound[] = [];
  let group: Group | null = null;
  let isSpent = true;
  try {
    await server.start();
    for (let n = 0; n < count; n++) {
      signal.throwIfAborted();
      if (isSpent || n % ROUNDS_OF_A_GROUP === 0) {
        group?.stop();
        group = await gather(url, adminToken, `r${n}`, clock);
      }
      const random = seeded(seed + n);
      const plan = planRound(random, (group as Group).clients.length);
      const since = clock();
      const scene = { server, database, group: group as Group, clock };
      const result = await playRound(plan, random, scene).catch(failed);
      isSpent = result.violations.length > 0;
      rounds.push({ ...result, plan, seconds: (clock() - since) / 1000 });
      onRound(n + 1, describedRound(plan));
    }
    return { rounds, outputs: { server: server.output() } };
  } finally {
    group?.stop();
    await server.kill();
    await database.pair.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A round that could not be played is no proof of anything. */
function failed(error: Error): RoundResult {
  const violation: Violation = { kind: "part", text: `the round could not be played: ${error.message}` };
  return { cut: 0, concerned: 0, violations: [violation], unproved: [] };
}

export function describedRound({ cut, isServerDown, writes }: RoundPlan): string {
  const { before, after, late, anew } = writes;
  return `${cut}${isServerDown ? " with the server down" : ""}: ${before} written, ${after + late} beyond, ${anew} anew`;
}

export function countCuts(rounds: readonly PlayedRound[], cut: Cut): number {
  return rounds.filter(({ plan }) => plan.cut === cut).length;
}
