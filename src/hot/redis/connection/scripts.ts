/** The Lua scripts beside this file. Each says in its head what it does, and what its KEYS and ARGV are. */
import { readFileSync } from "node:fs";

const SCRIPTS = [
  "bucket-take",
  "call",
  "mailbox-put",
  "mailbox-take",
  "presence",
  "presence-sweep",
  "publish",
  "session-drop",
  "session-put",
  "session-sweep",
  "token-index",
  "typing",
  "unread-mentioned",
  "unread-set",
] as const;
export type ScriptName = (typeof SCRIPTS)[number];

/** The driver's command for a script; the prefix keeps it apart from Redis's own commands. */
export const scriptCommand = (name: ScriptName): string => `script:${name}`;

/** For the driver, which sends a script once per connection and then only its hash. */
export function loadScripts(): Record<string, { lua: string }> {
  return Object.fromEntries(
    SCRIPTS.map((name) => [
      scriptCommand(name),
      { lua: readFileSync(new URL(`../../lua/${name}.lua`, import.meta.url), "utf8") },
    ]),
  );
}
