/** A realtime server that Causeway is compared with. Each file beside this one holds one, in two parts: how to start it, and (where we write the server ourselves) the server. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DialectName } from "../dialects/dialects.ts";
import { type ServiceCommand, startProcess } from "../services/service-process.ts";
import type { Target } from "../target/target.ts";

/** In a few words each, so that nobody compares apples with pears. */
export interface Guarantees {
  durable: string;
  ordered: string;
  idempotent: string;
  resumable: string;
}

export interface Peer {
  name: string;
  guarantees: Guarantees;
  start(): Promise<Target>;
}

const READY = /^peer ready (http:\S+)$/m;
export const NO_GUARANTEES: Guarantees = {
  durable: "no",
  ordered: "per connection, one process",
  idempotent: "no",
  resumable: "no",
};

/** Starts a server program of ours, which prints where it listens. */
export async function startScript(
  name: string,
  dialect: DialectName,
  script: string,
  args: string[] = [],
): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "causeway-peer-"));
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command: ServiceCommand = {
    command: process.execPath,
    args: [path, ...args],
    folder,
    ready: READY,
    endWith: "SIGTERM",
  };
  return startPeer(name, dialect, command, (output) => new URL(READY.exec(output)?.[1] as string));
}

/** Starts a server; its folder goes with it. */
export async function startPeer(
  name: string,
  dialect: DialectName,
  command: ServiceCommand,
  urlOf: (output: string) => URL,
): Promise<Target> {
  const server = await startProcess(command).catch((error: unknown) => {
    rmSync(command.folder, { recursive: true, force: true });
    throw error;
  });
  let populations = 0;
  return {
    name,
    url: urlOf(server.output()),
    dialect,
    pids: { server: server.pid, database: null },
    populate: async (plan) => {
      const prefix = `load${populations++}`;
      const rooms = plan.rooms.map((_, n) => `${prefix}-${n}`);
      const joined: string[][] = Array.from({ length: plan.people }, () => []);
      plan.rooms.forEach((members, n) => {
        for (const member of members) joined[member]?.push(rooms[n] as string);
      });
      // Peers know no accounts: the token says which rooms to join.
      return { tokens: joined.map((names) => names.join(",")), rooms };
    },
    stop: async () => {
      await server.end();
      rmSync(command.folder, { recursive: true, force: true });
    },
  };
}
