/** The demo organization: two people who share its default room. It is made once, in an empty database. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "../domain/ports/store/store.ts";
import type { UseCases } from "../domain/use-cases/use-cases.ts";
import { newSecret } from "./data-dir.ts";

export interface DemoData {
  organizationId: number;
  users: { handle: string; password: string }[];
}

const FILE = "demo.json";
const PEOPLE = [
  { handle: "demo-alice", displayName: "Alice" },
  { handle: "demo-bob", displayName: "Bob" },
];

/**
 * Makes the demo organization when the database has no users, and stores its logins under DATA_DIR.
 * @returns the logins, also on later starts; null when the database had users before
 */
export async function demoData(dataDir: string, store: Store, useCases: UseCases): Promise<DemoData | null> {
  const counts = await store.counts();
  if (counts.users > 0) return keptDemo(dataDir, store);
  const organization = await useCases.directory.createOrganization({ name: "Demo", defaultRoom: true });
  const users = [];
  for (const { handle, displayName } of PEOPLE) {
    const password = newSecret(9);
    const organizations = [{ id: organization.id, role: "admin" as const }];
    await useCases.directory.createUser({ handle, password, displayName, organizations });
    users.push({ handle, password });
  }
  const demo = { organizationId: organization.id, users };
  writeFileSync(join(dataDir, FILE), `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  return demo;
}

async function keptDemo(dataDir: string, store: Store): Promise<DemoData | null> {
  let kept: DemoData;
  try {
    kept = JSON.parse(readFileSync(join(dataDir, FILE), "utf8")) as DemoData;
  } catch {
    return null; // The database has users, and no demo was made.
  }
  const first = kept.users[0];
  return first && (await store.users.byHandle(first.handle)) ? kept : null;
}
