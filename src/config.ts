/**
 * The settings. config-table.ts has the table of them all, config-kinds.ts the rules of their values, config-rules.ts what
 * they must be of together. README's table and `.env.example` are tested against the table.
 * Nothing else of the program reads the environment.
 */
import { z } from "zod";
import { contradictions, doubts, IN_MEMORY } from "./config-rules.ts";
import { type Environment, withPassword, withSecretFiles } from "./config-secrets.ts";
import { TABLE } from "./config-table.ts";

/** A row of the table, for people. */
export interface Setting {
  name: string;
  /** The value when the variable is unset; undefined: none. */
  default?: string;
  meaning: string;
  /** What its number counts. */
  unit?: string;
  /** A value that could be meant, where there is no default. */
  example?: string;
}

export const SETTINGS: readonly Setting[] = Object.entries(TABLE.shape).map(([name, rule]) => {
  const { description: meaning = "", unit, example } = rule.meta() ?? {};
  const value = rule instanceof z.ZodDefault ? String(rule.def.defaultValue) : undefined;
  return {
    ...{ name, meaning },
    ...(value !== undefined && { default: value }),
    ...(unit !== undefined && { unit }),
    ...(example !== undefined && { example }),
  };
});

export type Config = Omit<z.infer<typeof TABLE>, "DATABASE_PASSWORD" | "REDIS_PASSWORD">;

export interface Settings {
  /** Passwords are in their URLs, and what a file held is in the place of its name. */
  config: Config;
  /** What works and is probably not meant, each with the setting's name. */
  warnings: string[];
}

/** The settings of {@link readSettings} alone. */
export function readConfig(env: Environment): Config {
  return readSettings(env).config;
}

/**
 * Reads settings from an environment and the files that it names. An empty variable counts as unset.
 * @throws Error that names every variable that breaks its rule, all at once
 */
export function readSettings(env: Environment): Settings {
  const problems: string[] = [];
  const full = withSecretFiles(env, (problem) => problems.push(problem));
  const names = SETTINGS.map(({ name }) => name);
  const given = Object.fromEntries(names.flatMap((name) => (full[name] ? [[name, full[name]]] : [])));
  const parsed = TABLE.safeParse(given);
  problems.push(...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`));
  problems.push(...contradictions(given));
  const config = parsed.data && whole(parsed.data, (problem) => problems.push(problem));
  if (config && problems.length === 0) {
    return { config, warnings: doubts(parsed.data, env, names) };
  }
  throw new Error(
    `Settings that can't be used:\n${problems.map((problem) => `  ${problem}`).join("\n")}\nSee the settings table in README.md.`,
  );
}

/** Joins URLs with their passwords. */
function whole(given: z.infer<typeof TABLE>, refuse: (problem: string) => void): Config {
  const { DATABASE_PASSWORD, REDIS_PASSWORD, ...config } = given;
  if (config.REDIS_URL === IN_MEMORY) delete config.REDIS_URL;
  for (const [name, password] of Object.entries({ DATABASE_PASSWORD, REDIS_PASSWORD })) {
    if (password === undefined) continue;
    const url = name === "DATABASE_PASSWORD" ? "DATABASE_URL" : "REDIS_URL";
    try {
      config[url] = withPassword(url, config[url] ?? "", password);
    } catch (error) {
      refuse(`${name}: ${(error as Error).message}`);
    }
  }
  return config;
}
