/** Looks for a text in every place that there is, without being told which: whatever is added later is looked at as well. */
import { Redis } from "ioredis";
import postgres from "postgres";
import { bearer, type Site } from "./site.ts";

/** Every table of the database with a row that holds the text in any column, in plain or as bytes. */
export async function tablesWith(databaseUrl: string, text: string): Promise<string[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const tables = await sql<{ name: string }[]>`
      select table_name as name from information_schema.tables
      where table_schema = current_schema() and table_type = 'BASE TABLE' order by table_name`;
    const hex = Buffer.from(text).toString("hex");
    const found: string[] = [];
    for (const { name } of tables) {
      const [row] = await sql<[{ count: number }]>`
        select count(*)::int as count from ${sql(name)} t where strpos(t::text, ${text}) > 0 or strpos(t::text, ${hex}) > 0`;
      if (row.count > 0) found.push(name);
    }
    return found;
  } finally {
    await sql.end();
  }
}

/** Every key of Redis whose name or value holds the text. */
export async function keysWith(redisUrl: string, text: string): Promise<string[]> {
  const redis = new Redis(redisUrl);
  try {
    const keys = await redis.keys("*");
    const held = await Promise.all(keys.map(async (key) => [key, await storedAt(redis, key)] as const));
    return held.filter(([key, value]) => key.includes(text) || value.includes(text)).map(([key]) => key);
  } finally {
    redis.disconnect();
  }
}

async function storedAt(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case "string":
      return String(await redis.get(key));
    case "hash":
      return JSON.stringify(await redis.hgetall(key));
    case "list":
      return JSON.stringify(await redis.lrange(key, 0, -1));
    case "set":
      return JSON.stringify(await redis.smembers(key));
    case "zset":
      return JSON.stringify(await redis.zrange(key, "0", "-1"));
    default:
      return "";
  }
}

interface Document {
  servers?: { url: string }[];
  paths: Record<string, Record<string, { parameters?: Parameter[] }>>;
}
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: { type?: string; enum?: unknown[] };
}

const APIS = ["messenger", "talk", "wire", "protocol", "admin"];
/** What a room is called by the APIs. */
const ROOM_NAMES = 4;
/** Read by other ways: they wait for news. */
const NEVER_ENDS = /\/(await|signaling)/;

/**
 * Every address that an API's document says can be read, with each of the ids in the places of its parameters.
 * @param ids the room's first, in whatever form: a place that does not take one answers that there is nothing
 */
async function addressesOf(url: string, api: string, ids: readonly string[]): Promise<string[]> {
  const response = await fetch(`${url}/openapi/${api}.json`);
  if (!response.ok) throw new Error(`There is no document of ${api}`);
  const { paths, servers } = (await response.json()) as Document;
  const base = new URL(servers?.[0]?.url ?? "", url).pathname.replace(/\/$/, "");
  return Object.entries(paths).flatMap(([path, { get }]) => {
    if (!get || NEVER_ENDS.test(path)) return [];
    const query = queriesOf(get.parameters ?? [], ids);
    return filled(base + path, ids).flatMap((address) => query.map((each) => address + each));
  });
}

/** With nothing but what has to be told; and, for lists, narrowed to each of the ids. */
function queriesOf(parameters: readonly Parameter[], ids: readonly string[]): string[] {
  const inQuery = parameters.filter(({ in: where }) => where === "query");
  const needed = inQuery.filter(({ required }) => required).map(({ name }) => `${name}=0`);
  const narrowing = inQuery.filter(({ name }) => /_id$|Id$|ID$/.test(name));
  const narrowed = narrowing.flatMap(({ name }) => ids.map((id) => [...needed, `${name}=${id}`]));
  return [needed, ...narrowed].map((query) => (query.length === 0 ? "" : `?${query.join("&")}`));
}

/** Of several places the first takes only the first of the ids, which are those of rooms: else there were too many. */
function filled(path: string, ids: readonly string[]): string[] {
  const [parameter, ...more] = path.match(/\{[^}]+\}/g) ?? [];
  if (!parameter) return [path];
  const possible = more.length === 0 ? ids : ids.slice(0, ROOM_NAMES);
  return possible.flatMap((id) => filled(path.replace(parameter, encodeURIComponent(id)), ids));
}

/** Every address that answers one of these callers (by their tokens) with the text. */
export async function answersWith(
  { url, organization }: Pick<Site, "url" | "organization">,
  { tokens, ids, admin }: { tokens: readonly string[]; ids: readonly string[]; admin: string },
  text: string,
): Promise<string[]> {
  const found = new Set<string>();
  for (const api of APIS) {
    const addresses = await addressesOf(url, api, ids);
    const callers =
      api === "admin"
        ? [bearer(admin)]
        : [...tokens.map(bearer), ...(api === "messenger" ? [{ "API-TOKEN": organization.token }] : [])];
    for (const caller of callers) {
      await inTurns(addresses, async (address) => {
        const headers = { ...caller, Accept: "application/json", "OCS-APIRequest": "true" };
        const answer = await fetch(url + address, { headers });
        if ((await answer.text()).includes(text)) found.add(address);
      });
    }
  }
  return [...found];
}

const AT_ONCE = 16;

async function inTurns<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const next = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
