/** Parses the forms of REDIS_URL into the driver's options. */
import type { RedisOptions } from "ioredis";

/** A URL must not choose how replies are mapped. */
export type ServerOptions = Omit<RedisOptions, "replyMapping">;

export interface RedisAddress {
  /** Nodes through which the cluster is found; null for no cluster. */
  cluster: { host: string; port: number }[] | null;
  /** Options for a single server, for one found by Sentinel, or for every node of a cluster. */
  options: ServerOptions;
  db: number;
  /** The URL without user and password, for messages. */
  shown: string;
}

const FORMS =
  "redis://[user:password@]host[:port][/db], rediss://… (TLS), " +
  "redis+sentinel://[user:password@]host:port,host:port/masterName[/db] or " +
  "redis+cluster://[user:password@]host:port,host:port (rediss+… for TLS)";
const URL_FORM =
  /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/?#@]+)(?:\/(?<path>[^?#]*))?$/;
const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;

/** @throws Error that names the accepted forms; it never repeats the password */
export function parseRedisUrl(url: string): RedisAddress {
  const parts = URL_FORM.exec(url)?.groups;
  if (parts === undefined) throw new Error(`REDIS_URL has none of the forms ${FORMS}`);
  const { tls, kind, hosts = "", path = "" } = parts;
  const nodes = hosts
    .split(",")
    .map((host) => parseHost(host, kind === "sentinel" ? SENTINEL_PORT : REDIS_PORT));
  const [name, dbText] = kind === "sentinel" ? path.split("/") : ["", path];
  const db = parseDb(dbText);
  const options: ServerOptions = { ...credentials(parts), ...(tls ? { tls: {} } : {}), db };
  const shown = url.replace(/\/\/[^@/]*@/, "//");
  if (kind === "cluster") {
    if (db !== 0) throw new Error("REDIS_URL: a cluster has only database 0; leave the number out");
    return { cluster: nodes, options, db, shown };
  }
  if (kind === "sentinel") {
    if (!name) throw new Error("REDIS_URL: redis+sentinel:// needs the master's name: …/masterName");
    const tlsToo = tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {};
    return { cluster: null, options: { ...options, ...tlsToo, sentinels: nodes, name }, db, shown };
  }
  if (nodes.length > 1) {
    throw new Error("REDIS_URL: several hosts need redis+sentinel:// or redis+cluster://");
  }
  return { cluster: null, options: { ...options, ...nodes[0] }, db, shown };
}

function credentials({ user, password }: Record<string, string | undefined>): ServerOptions {
  return {
    ...(user ? { username: decodeURIComponent(user) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
  };
}

function parseHost(text: string, defaultPort: number): { host: string; port: number } {
  const [, v6, name, portText] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = v6 ?? name;
  const port = portText === undefined ? defaultPort : Number(portText);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new Error(`REDIS_URL: "${text}" is no host with an optional port`);
  }
  return { host, port };
}

function parseDb(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (!/^\d{1,5}$/.test(text)) throw new Error(`REDIS_URL: "${text}" is no number of a database`);
  return Number(text);
}
