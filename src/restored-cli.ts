/** `npm run store:restored`: what an operator runs after a restore, before the first process is started. */
import { parseArgs } from "node:util";
import { openDataDir } from "./app/data-dir.ts";
import { lifecycle } from "./app/lifecycle.ts";
import { openConfiguredFiles, openConfiguredStore } from "./app/state.ts";
import { readSettings } from "./config.ts";
import type { AttachmentFiles } from "./domain/ports/attachments.ts";
import { createLogger } from "./logger.ts";
import { countExpectedFiles, expectedFiles, storeChecks } from "./store/log/restored.ts";
import type { PostgresStore } from "./store/postgres.ts";

const HELP = `Makes a restored database's history another one, and checks what was restored.

Usage: npm run store:restored
       npm run store:restored -- --check     looks only: no new epoch, unless the database lies elsewhere than before

Run it after the database and the files were restored and before any Causeway process is started. It
  1. brings the schema to this program's version,
  2. gives the database a new epoch: clients that come back are told that what they hold may not be in the log any more,
     and load their rooms anew; access tokens in Redis are void, logins and personal access tokens stay,
  3. checks that logs have no gaps, that counts, read markers and rooms fit to them, and that every attachment has its file.
It can be run as often as you like; each run makes a new epoch. It ends with 0 when all is well, with 1 when a check found
something, with 2 when it could not do its work. deploy/BACKUP.md says what to dump and in which order to restore.

Settings are environment variables; set them as for the server:
  DATABASE_URL      the restored database [embedded, under DATA_DIR]
  DATA_DIR          where the embedded database and the attachments are [./data]
  ATTACHMENTS_URL   S3-compatible storage of the attachments [a folder under DATA_DIR]
`;

const OPTIONS = { help: { type: "boolean", short: "h" }, check: { type: "boolean" } } as const;
/** A check reads the whole log. */
const CHECK_MS = 6 * 3_600_000;
const PAGE = 500;
const MAX_SHOWN = 20;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return say(HELP);
  const { config } = readSettings(process.env);
  const logger = createLogger("error");
  const parts = lifecycle(logger);
  try {
    const dataDir = openDataDir(config.DATA_DIR);
    const store = await openConfiguredStore(config, dataDir, logger, parts, { statementTimeoutMs: CHECK_MS });
    if (!values.check) {
      const { epoch: before } = store.history;
      await store.history.lost(store.history.epoch);
      say(`The history has a new epoch: ${store.history.epoch} (it was ${before})`);
    }
    const faults = (await checkLog(store)) + (await checkFiles(store, openConfiguredFiles(config, dataDir)));
    say(faults === 0 ? "All is well." : `${faults} things are wrong; deploy/BACKUP.md says what to do.`);
    process.exitCode = faults === 0 ? 0 : 1;
  } finally {
    await parts.stop();
  }
}

async function checkLog({ sql }: PostgresStore): Promise<number> {
  let faults = 0;
  for (const { claim, violations } of storeChecks(sql)) {
    const { total, examples } = await violations();
    faults += total;
    say(total === 0 ? `ok     ${claim}` : `WRONG  ${claim}: ${total} times not, for example`);
    for (const each of examples) say(`         ${each}`);
  }
  return faults;
}

async function checkFiles({ sql }: PostgresStore, files: AttachmentFiles): Promise<number> {
  const all = await countExpectedFiles(sql);
  let looked = 0;
  let missing = 0;
  let last = "";
  for (
    let page = await expectedFiles(sql, last, PAGE);
    page.length > 0;
    page = await expectedFiles(sql, last, PAGE)
  ) {
    for (const { id, content, filename, room } of page) {
      const bytes = await files.open(content);
      await bytes?.cancel();
      if (bytes) continue;
      missing++;
      if (missing <= MAX_SHOWN)
        say(`         ${id} ${JSON.stringify(filename)} ${room === null ? "(not sent)" : `in room ${room}`}`);
    }
    looked += page.length;
    last = page.at(-1)?.id ?? last;
    if (looked < all) say(`       ${looked} of ${all} files`);
  }
  say(
    missing === 0
      ? `ok     every attachment has its file (${all})`
      : `WRONG  ${missing} of ${all} attachments have no file`,
  );
  return missing;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
