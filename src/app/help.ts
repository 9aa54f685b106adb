/** The text of `npm start -- --help`, made from the table of settings. */
import { SETTINGS, type Setting } from "../config.ts";

const WIDTH = 26;

export const HELP = `Causeway: a realtime chat server in which every room is also a Matrix room.

Usage: npm start            everything in one process, data under ./data, and a local Synapse
       ROLE=gateway npm start    sockets and HTTP only (needs DATABASE_URL and REDIS_URL)
       ROLE=bridge npm start     the Matrix worker only (needs MATRIX_HOMESERVER_URL too)

Settings are environment variables; a secret is also read from the file that its name with _FILE names:
${SETTINGS.map(line).join("\n")}

http://HOST:PORT/ shows a page to try it; README.md has a tour of 60 seconds.
`;

function line({ name, default: value, meaning, example }: Setting): string {
  const suggested = example === undefined || meaning.includes(example) ? "" : ` (such as ${example})`;
  return `  ${name.padEnd(WIDTH)}${meaning}${value === undefined ? suggested : ` [${value}]`}`;
}
