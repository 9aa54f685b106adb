/**
 * Once per test run: opens the address where test files ask for services (services/need.ts). Nothing is loaded, found,
 * installed or started before a file asks, so a file that needs no service starts at once.
 */
import type { TestProject } from "vitest/node";
import { answerRequests } from "./services/requests.ts";
import type { SharedServices } from "./services/shared.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Address of the services that all test files share. */
    sharedServices: string;
  }
}

/** Returns how to end what was shared. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let shared: Promise<SharedServices> | null = null;
  const load = async () => (await import("./services/shared.ts")).shareServices((line) => console.log(line));
  const requests = await answerRequests(async (path) => {
    shared ??= load();
    return (await shared).answer(path);
  });
  project.provide("sharedServices", requests.address);
  project.onTestsRerun(async () => (await shared)?.refresh());
  return async () => {
    requests.close();
    await (await shared)?.stop();
  };
}
