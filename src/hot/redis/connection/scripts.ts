/** The Lua scripts in src/hot/lua. The head of each describes its effect, KEYS and ARGV. */
import { readFileSync } from "node:fs";

const SCRIPTS = [
  "bucket-take",
  "call",
  "signaling-queue-put",
  "signaling-queue-take",
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

/** The driver's command for a script. The prefix separates it from Redis's own commands. */
export const scriptCommand = (name: ScriptName): string => `script:${name}`;

/** The scripts for the driver. It sends a script once per connection, and then only its hash. */
export function loadScripts(): Record<string, { lua: string }> {
  return Object.fromEntries(
    SCRIPTS.map((name) => [
      scriptCommand(name),
      { lua: readFileSync(new URL(`../../lua/${name}.lua`, import.meta.url), "utf8") },
    ]),
  );
}
