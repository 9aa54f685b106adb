/** Carries a fault out on a site, from its beginning until the part is given back. */
import { STATUS_CODES } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { BRIDGES, type Fault, GATEWAYS, type Nonsense, type ProgramName } from "./kinds.ts";
import type { LinkState } from "./parts/link.ts";
import type { Program } from "./parts/program.ts";
import type { Site } from "./site.ts";

export interface Witness {
  /** The standby takes writes now. */
  promoted(): void;
  /** The database is back at these heads; nobody has seen it yet. */
  restored(heads: ReadonlyMap<string, number>): void;
}

const START_LIMIT_MS = 60_000;
const RETRY_MS = 500;
/** Acknowledgements of what was committed have reached their senders. */
const ON_THE_WIRE_MS = 700;
/** How long an operator's watchdog takes to see that the standby is gone. */
const WATCHDOG_MS = 1_500;

export async function carryOut(fault: Fault, site: Site, witness: Witness): Promise<void> {
  switch (fault.kind) {
    case "kill":
    case "stop":
    case "freeze":
      return part(site, fault.part)[fault.kind](fault.forMs);
    case "kill both": {
      const names = fault.parts === "gateways" ? GATEWAYS : BRIDGES;
      await Promise.all(names.map((name) => part(site, name).kill(fault.forMs)));
      return;
    }
    case "cut":
      return onLink(site, fault, { name: "cut" });
    case "stall":
      return onLink(site, fault, { name: "stalled" });
    case "slow":
      return onLink(site, fault, { name: "slow", ms: fault.byMs });
    case "nonsense":
      return onLink(site, fault, nonsense(fault.answer));
    case "clock": {
      const { shiftClock } = site.program(fault.part);
      shiftClock(fault.shiftMs);
      await delay(fault.forMs);
      return shiftClock(0);
    }
    case "read-only":
      return during(fault.forMs, site.database.setReadOnly);
    case "full":
      return during(fault.forMs, site.database.setFull);
    case "promote":
      return promote(site, fault.how, witness);
    case "restore":
      return restore(site, fault.ageMs, witness);
  }
}

interface Part {
  kill(forMs: number): Promise<void>;
  stop(forMs: number): Promise<void>;
  freeze(forMs: number): Promise<void>;
}

function part(site: Site, name: ProgramName | "database" | "redis" | "synapse" | "standby"): Part {
  switch (name) {
    case "database":
      return databasePart(site);
    case "standby":
      return standbyPart(site);
    case "redis":
    case "synapse": {
      const service = site[name];
      const back = async (forMs: number) => {
        await delay(forMs);
        await service.restart();
      };
      return {
        kill: (forMs) => service.kill9().then(() => back(forMs)),
        stop: () => back(0),
        freeze: (forMs) => frozen([service.pid()], forMs),
      };
    }
    default:
      return programPart(site.program(name));
  }
}

function programPart(program: Program): Part {
  const back = async (forMs: number) => {
    await delay(forMs);
    await startAgain(program);
  };
  return {
    kill: (forMs) => program.kill().then(() => back(forMs)),
    stop: (forMs) => program.end().then(() => back(forMs)),
    freeze: async (forMs) => {
      program.freeze();
      await delay(forMs);
      program.thaw();
    },
  };
}

/** As a supervisor does: again and again. @throws Error with its output when it never serves */
export async function startAgain(program: Program): Promise<void> {
  for (const deadline = Date.now() + START_LIMIT_MS; ; await delay(RETRY_MS)) {
    try {
      return await program.start();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

function databasePart({ database }: Site): Part {
  const { pair } = database;
  const back = async (forMs: number) => {
    await delay(forMs);
    await pair.primary.start();
    await database.expectStandby();
  };
  return {
    kill: (forMs) => pair.primary.kill9().then(() => back(forMs)),
    stop: (forMs) => pair.primary.end().then(() => back(forMs)),
    freeze: (forMs) => frozen(pair.primary.pids(), forMs),
  };
}

/** Commits wait for it until the watchdog has looked. */
function standbyPart({ database }: Site): Part {
  const { pair } = database;
  const back = async (forMs: number) => {
    await delay(WATCHDOG_MS);
    await database.forgetStandby();
    await delay(forMs);
    await pair.standby.start();
    await database.expectStandby();
  };
  return {
    kill: (forMs) => pair.standby.kill9().then(() => back(forMs)),
    stop: (forMs) => pair.standby.end().then(() => back(forMs)),
    freeze: (forMs) => frozen(pair.standby.pids(), forMs),
  };
}

async function frozen(pids: readonly number[], forMs: number): Promise<void> {
  signal(pids, "SIGSTOP");
  await delay(forMs);
  signal(pids, "SIGCONT");
}

function signal(pids: readonly number[], what: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, what);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

async function during(forMs: number, set: (isOn: boolean) => Promise<void>): Promise<void> {
  await set(true);
  await delay(forMs);
  await set(false);
}

async function onLink(site: Site, fault: Extract<Fault, { link: unknown }>, state: LinkState): Promise<void> {
  const links = site.links(fault.link);
  for (const link of links) link.set(state);
  await delay(fault.forMs);
  for (const link of links) link.set({ name: "open" });
}

function nonsense(answer: Nonsense): LinkState {
  if (answer === "half") return { name: "half" };
  const page = `<html><head><title>${answer}</title></head><body><h1>${answer}</h1><hr>proxy</body></html>`;
  const words = STATUS_CODES[answer];
  const head = [
    `HTTP/1.1 ${answer} ${words}`,
    "Content-Type: text/html",
    `Content-Length: ${page.length}`,
    "Connection: close",
  ];
  return { name: "nonsense", answer: `${head.join("\r\n")}\r\n\r\n${page}` };
}

async function promote(site: Site, how: "kill" | "stop" | "freeze", witness: Witness): Promise<void> {
  const { pair, expectStandby } = site.database;
  if (how === "stop") await pair.primary.end();
  else {
    const pids = pair.primary.pids();
    if (how === "freeze") {
      signal(pids, "SIGSTOP");
      await delay(WATCHDOG_MS);
    }
    // Whoever fails over makes sure first that the old primary is gone.
    await pair.primary.kill9();
    signal(pids, "SIGKILL");
  }
  await pair.promote();
  witness.promoted();
  await pair.rejoin();
  await expectStandby();
}

async function restore(site: Site, ageMs: number, witness: Witness): Promise<void> {
  const { pair, heads, expectStandby } = site.database;
  const backup = await pair.backUp();
  await delay(ageMs);
  site.setDatabaseLinks("cut");
  await delay(ON_THE_WIRE_MS);
  await pair.restore(backup);
  witness.restored(await heads());
  site.setDatabaseLinks("open");
  await pair.rejoin();
  await expectStandby();
}
