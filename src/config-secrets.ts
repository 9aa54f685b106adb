/** Settings that hold secrets: each may come from a file, and passwords may be kept apart from the URLs they belong to. */
import { readFileSync } from "node:fs";

export type Environment = Record<string, string | undefined>;

/** Settings that are secret, or may be. Each is also read from the file that `<NAME>_FILE` names. */
export const SECRET_SETTINGS = [
  "ATTACHMENTS_URL",
  "DATABASE_URL",
  "DATABASE_PASSWORD",
  "REDIS_URL",
  "REDIS_PASSWORD",
  "ADMIN_TOKEN",
  "AUTH_ISSUERS",
  "OIDC_CLIENT_SECRET",
  "TURN_SECRET",
  "MATRIX_MAS_CLIENT_SECRET",
] as const;

/**
 * Puts the content of secrets' files in the place of their settings.
 * @param refuse is told what can't be used: the variable and the rule, never a file's content
 */
export function withSecretFiles(env: Environment, refuse: (problem: string) => void): Environment {
  const read = { ...env };
  for (const name of SECRET_SETTINGS) {
    const path = env[`${name}_FILE`];
    if (!path) continue;
    if (env[name]) refuse(`${name}: is set, and ${name}_FILE too; set one of them`);
    try {
      read[name] = readFileSync(path, "utf8").trim();
      if (read[name] === "") refuse(`${name}_FILE: ${path} is empty`);
    } catch (error) {
      refuse(`${name}_FILE: ${path} can't be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  return read;
}

const START = /^([a-z+]+:\/\/)(?:([^:@/]*)(?::([^@/]*))?@)?/;

/**
 * The URL with the password, which then need not stand in it.
 * @param name of the URL's setting
 * @throws Error when the URL holds one already
 */
export function withPassword(name: string, url: string, password: string): string {
  const [start = "", scheme = "", user = "", inside] = START.exec(url) ?? [];
  if (inside !== undefined) throw new Error("is set, and the URL holds a password too; set one of them");
  if (start === "") throw new Error(`needs a ${name} that it belongs to`);
  return `${scheme}${user}:${encodeURIComponent(password)}@${url.slice(start.length)}`;
}
