/**
 * The core of what the bridge does, as one list of cases, at each homeserver that can be had here. What one of them lacks
 * stands beside it, as bridge/HOMESERVERS.md tells it to operators.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../load/services/free-port.ts";
import { newSynapseFolder, startSynapse } from "../../load/services/synapse.ts";
import { openWorld, readRegistration, type World, type WorldParts } from "../bridge/world.ts";
import { describeWith } from "../services/need.ts";
import { registrationText } from "../services/shared.ts";
import type { Case, Site } from "./case.ts";
import { FROM_MATRIX } from "./cases-from-matrix.ts";
import { OF_PEOPLE } from "./cases-of-people.ts";
import { TO_MATRIX } from "./cases-to-matrix.ts";
import { dendriteMissing, startDendrite } from "./dendrite.ts";

const CASES: Case[] = [...TO_MATRIX, ...FROM_MATRIX, ...OF_PEOPLE];
const CASE_MS = 180_000;

interface Running extends Omit<WorldParts, "databaseUrl" | "registration" | "homeserverUrl"> {
  url: string;
  registration: { path: string; prefix: string };
  restart(): Promise<void>;
  stop(): Promise<void>;
}

function runCases(databaseUrl: string, start: () => Promise<Running>, lacks: readonly string[]): void {
  const site = { world: {} as World } as Site;
  let homeserver: Running;
  let close = async () => {};
  beforeAll(async () => {
    homeserver = await start();
    const { url, serverName, registerUser, registration } = homeserver;
    const known = readRegistration(registration.path, registration.prefix);
    const parts = { databaseUrl, homeserverUrl: url, serverName, registerUser, registration: known };
    close = await openWorld(site.world, parts, { scanMs: 300, reconcileMs: 3_000 });
    site.here = await site.world.meeting();
    site.restart = homeserver.restart;
  }, 300_000);
  afterAll(async () => {
    await close();
    await homeserver?.stop();
  });
  for (const { name, run } of CASES) {
    if (!lacks.includes(name)) test(name, () => run(site), CASE_MS);
  }
}

test("there are sixty cases and more, each with a name of its own", () => {
  expect(CASES.length).toBeGreaterThanOrEqual(60);
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
});

describeWith(["postgres", "synapseProgram"], "Synapse", ({ postgres }) => {
  const start = async (): Promise<Running> => {
    const folder = newSynapseFolder();
    const registration = { path: join(folder, "registration.yaml"), prefix: "cw_" };
    const url = `http://127.0.0.1:${await freePort()}`;
    writeFileSync(registration.path, registrationText("causeway", { url, prefix: registration.prefix }));
    const service = await startSynapse({ folder, registrationPath: registration.path });
    const restart = async () => {
      await service.kill9();
      await service.restart();
    };
    return { ...service, registration, restart };
  };
  runCases(postgres.url, start, []);
});

/** What Dendrite 0.13.8 lacks. */
const DENDRITE_LACKS: string[] = ["live: a receipt in Matrix moves the marker in the chat"];

describeWith("postgres", "Dendrite", ({ postgres }) => {
  const missing = dendriteMissing();
  if (missing !== null) {
    console.warn(`SKIPPED: Dendrite: ${missing}`);
    test.skip(missing);
    return;
  }
  describe("0.13.8", () => runCases(postgres.url, startDendrite, DENDRITE_LACKS));
});
