/** One history that is cut: written, backed up or held back, written on, cut, written anew, and read by everybody. */
import { setTimeout as delay } from "node:timers/promises";
import type { ChatClient } from "../clients/chat-client.ts";
import { headOf, judgeLog, judgeSends, judgeView, type Logs, type Violation } from "../judge/judge.ts";
import type { Database } from "../parts/database.ts";
import type { Program } from "../parts/program.ts";
import type { Random } from "../random.ts";
import { readLogs } from "../verdict.ts";
import type { Group } from "./group.ts";

export type Cut = "restore" | "promote";

/** What a round does; a pure function of chance. */
export interface RoundPlan {
  cut: Cut;
  /** The server is down while the database goes back; else it lives through it. */
  isServerDown: boolean;
  /** Messages before the backup, after it while everybody is here, after some have left, and anew after the cut. */
  writes: { before: number; after: number; late: number; anew: number };
  /** For each client: when it leaves, and whether it is back before the new history is written. */
  absences: { leaves: "never" | "before" | "after" | "late"; isBackEarly: boolean }[];
}

export function planRound(random: Random, clients: number): RoundPlan {
  return {
    cut: random.pick(["restore", "promote"] as const),
    isServerDown: random.chance(0.3),
    writes: {
      before: random.between(1, 10),
      after: random.between(0, 8),
      late: random.between(0, 6),
      anew: random.between(0, 24),
    },
    absences: Array.from({ length: clients }, () => ({
      leaves: random.pick(["never", "never", "before", "after", "late"] as const),
      isBackEarly: random.chance(0.3),
    })),
  };
}

export interface RoundResult {
  /** Acknowledged messages that the cut took away. */
  cut: number;
  /** Views that held some of them. */
  concerned: number;
  /** Of clients that prove their history, and of the log itself. */
  violations: Violation[];
  /** Of clients that resume with a bare seq. */
  unproved: Violation[];
}

const SETTLE_LIMIT_MS = 30_000;
const POLL_MS = 30;

export interface Scene {
  server: Program;
  database: Database;
  group: Group;
  clock: () => number;
}

export async function playRound(plan: RoundPlan, random: Random, scene: Scene): Promise<RoundResult> {
  const { group } = scene;
  const { pair } = scene.database;
  const away = new Set<ChatClient>();
  const here = () => group.clients.filter((client) => !away.has(client));
  const leave = (when: "before" | "after" | "late") => {
    for (const [n, client] of group.clients.entries()) {
      if (plan.absences[n]?.leaves !== when) continue;
      client.sitOut();
      away.add(client);
    }
  };
  const comeBack = (isEarly: boolean) => {
    for (const [n, client] of group.clients.entries()) {
      if (!away.has(client) || (isEarly && plan.absences[n]?.isBackEarly !== true)) continue;
      client.comeBack();
      away.delete(client);
    }
  };

  await group.write(plan.writes.before, here(), random);
  leave("before");
  const backup = plan.cut === "restore" ? await pair.backUp() : null;
  if (backup === null) {
    await pair.caughtUp();
    await pair.pauseReplication();
  }
  await group.write(plan.writes.after, here(), random);
  leave("after");
  await group.write(plan.writes.late, here(), random);
  leave("late");

  const { cut, concerned } = await goBack(plan, backup, scene);
  const joined = pair.rejoin().then(() => pair.caughtUp());
  joined.catch(() => undefined);
  comeBack(true);
  await group.write(plan.writes.anew, here(), random);
  comeBack(false);
  const judged = await judgeRound(scene);
  await joined;
  return { cut, concerned, ...judged };
}

async function goBack({ cut, isServerDown }: RoundPlan, backup: string | null, scene: Scene) {
  const { server, database, group, clock } = scene;
  const { pair } = database;
  if (isServerDown) await server.end();
  if (cut === "restore" && backup !== null) await pair.restore(backup);
  else {
    await pair.primary.kill9();
    await pair.promote();
  }
  const heads = await database.heads();
  group.ledger.cut(heads, clock());
  if (isServerDown) await server.start();
  const isBeyond = (client: ChatClient) =>
    [...client.views.values()].some(({ last, room }) => last > (heads.get(room) ?? 0));
  const taken = group.ledger.messages.filter(({ fate }) => fate === "cut").length;
  return { cut: taken, concerned: group.clients.filter(isBeyond).length };
}

/** Waits until everybody stands at the head, and compares. What is wrong is forgotten, so that it is told once. */
async function judgeRound({ group, clock }: Scene) {
  let logs = await readLogs(group.reader, group.rooms);
  const isBehind = (client: ChatClient) =>
    [...logs].some(([room, log]) => client.views.get(room)?.last !== headOf(log));
  for (const deadline = clock() + SETTLE_LIMIT_MS; group.clients.some(isBehind) && clock() < deadline; ) {
    await delay(POLL_MS);
  }
  logs = await readLogs(group.reader, group.rooms);
  const violations = [
    ...[...logs].flatMap(([room, log]) => judgeLog(room, log)),
    ...judgeSends(group.ledger, logs),
  ];
  const unproved: Violation[] = [];
  for (const client of group.clients) {
    const found = judged(client, logs);
    (group.unproved.has(client) ? unproved : violations).push(...found);
  }
  return { violations, unproved };
}

function judged(client: ChatClient, logs: Logs): Violation[] {
  return [...client.views.values()].flatMap((view) => {
    const log = logs.get(view.room) ?? [];
    const found = judgeView(view, log);
    if (found.length > 0) view.told(view.last);
    return found;
  });
}
