/** The map of the source: which folder may import which. ARCHITECTURE.md draws it. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

const DOMAIN = "src/domain/**";
const PORTS = "src/domain/ports/**";
/**
 * What an HTTP API may know of the domain: use cases, plain functions, and ports that are none of the store's. A row of the
 * store reaches an API through a use case.
 */
const OF_THE_DOMAIN = [
  ...["src/domain", "src/domain/use-cases", "src/domain/ports", "src/domain/context"],
  ...["src/domain/rooms", "src/domain/auth"],
];

/**
 * What the files directly in each folder may import: the files directly in another folder, a single file, or with `/**`
 * all that a folder holds. Every folder of src, bridge and load has a row. A row names only rows below it.
 */
const LAYERS: Record<string, readonly string[]> = {
  src: [
    "src/app",
    "src/attachments",
    "src/hot/redis/connection",
    "src/store",
    "src/store/log",
    "src/store/sql",
    DOMAIN,
  ],
  "src/app": [
    ...[
      "src/app/health",
      "src/attachments",
      "src/gateway/**",
      "src/hot/memory",
      "src/hot/redis",
      "src/http/**",
      "src/oidc",
    ],
    ...["src/store", "src/store/embedded", "src/webhooks", DOMAIN],
    ...["bridge", "bridge/homeserver", "bridge/store", "src/metrics.ts"],
  ],
  "src/app/health": ["src/http/face", DOMAIN],
  "src/metrics.ts": ["src/store/sql", DOMAIN],
  "src/file-lock.ts": [],
  "src/public-links.ts": [],

  "src/protocol/schemas": [
    ...["src/protocol", "src/protocol/frames", "src/protocol/limits.ts", "src/protocol/error-codes.ts"],
  ],
  "src/protocol": ["src/protocol/frames", "src/protocol/limits.ts", "src/protocol/error-codes.ts"],
  "src/protocol/frames": ["src/protocol/limits.ts", "src/protocol/error-codes.ts"],
  "src/protocol/limits.ts": [],
  "src/protocol/error-codes.ts": [],
  "src/client/react": ["src/client", "src/client/local/**", "src/protocol/**"],
  "src/client/package": ["src/client", "src/client/commands", "src/client/sign-in", "src/protocol/**"],
  "src/client/sign-in": ["src/client"],
  "src/client/local": [
    ...["src/client", "src/client/commands", "src/client/local/timeline", "src/client/stores"],
    "src/protocol/**",
  ],
  "src/client/local/timeline": ["src/client", "src/protocol/**"],
  "src/client": ["src/client/commands", "src/protocol/**"],
  "src/client/commands": ["src/protocol/**"],
  "src/client/stores": [],
  "src/web": ["src/web/elements", "src/client", "src/protocol/**"],
  "src/web/elements": ["src/protocol/**"],

  "src/domain/assembly": [
    ...["src/domain/contacts", "src/domain/messages", "src/domain/live", "src/domain/organizations"],
    ...["src/domain/search", "src/domain/reading", "src/domain/entries", "src/domain/files"],
    ...["src/domain/oidc", "src/domain/account"],
    ...["src/domain/rooms", "src/domain/auth", "src/domain/use-cases", "src/domain/context", "src/domain"],
  ],
  "src/domain/oidc": [
    "src/domain/account",
    ...["src/domain/organizations", "src/domain/rooms", "src/domain/auth", "src/domain/use-cases"],
    ...["src/domain/context", PORTS, "src/domain"],
  ],
  "src/domain/account": [
    ...["src/domain/messages", "src/domain/reading", "src/domain/rooms", "src/domain/auth"],
    ...["src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  ],
  "src/domain/contacts": [
    ...["src/domain/live", "src/domain/rooms", "src/domain/use-cases", "src/domain/context", PORTS],
    "src/domain",
  ],
  "src/domain/messages": [
    ...["src/domain/files", "src/domain/reading"],
    ...["src/domain/rooms", "src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  ],
  "src/domain/files": ["src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  "src/domain/reading": ["src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  "src/domain/search": ["src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  "src/domain/live": [
    ...["src/domain/rooms", "src/domain/auth", "src/domain/use-cases", "src/domain/context", PORTS],
    "src/domain",
  ],
  "src/domain/organizations": [
    ...["src/domain/rooms", "src/domain/auth", "src/domain/use-cases", "src/domain/context", PORTS],
    "src/domain",
  ],
  "src/domain/entries": ["src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  "src/domain/rooms": [
    ...["src/domain/auth", "src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  ],
  "src/domain/auth": ["src/domain/use-cases", "src/domain/context", PORTS, "src/domain"],
  "src/domain/use-cases": ["src/domain/context", PORTS, "src/domain"],
  "src/domain/context": [PORTS, "src/domain"],
  "src/domain/ports/store": ["src/domain/ports/store/accounts", "src/domain/ports", "src/domain"],
  "src/domain/ports/store/accounts": ["src/domain/ports", "src/domain"],
  "src/domain/ports": ["src/domain"],
  "src/domain": ["src/domain/model"],
  "src/domain/model": [],

  "src/store": [
    ...["src/store/schema", "src/store/rooms", "src/store/messages", "src/store/webhooks", "src/store/log"],
    ...["src/store/accounts", "src/store/search", "src/store/sql", DOMAIN],
  ],
  "src/store/schema": ["src/store/rooms", "src/store/log", "src/store/sql", DOMAIN],
  "src/store/rooms": [
    ...[
      "src/store/messages",
      "src/store/webhooks",
      "src/store/log",
      "src/store/accounts",
      "src/store/sql",
      DOMAIN,
    ],
  ],
  "src/store/messages": ["src/store/log", "src/store/sql", DOMAIN],
  "src/store/search": ["src/store/log", "src/store/sql", DOMAIN],
  "src/store/webhooks": ["src/store/log", "src/store/sql", DOMAIN],
  "src/store/log": ["src/store/accounts", "src/store/sql", DOMAIN],
  "src/store/accounts": ["src/store/sql", DOMAIN],
  "src/store/embedded": ["src/store/sql", "src/file-lock.ts"],
  "src/store/sql": [DOMAIN],

  "src/hot/redis": ["src/hot/redis/connection", "src/hot/memory", "src/hot", DOMAIN],
  "src/hot/redis/connection": ["src/hot", DOMAIN],
  "src/hot/memory": ["src/hot", DOMAIN],
  "src/hot": [DOMAIN],

  "src/attachments": [DOMAIN],
  "src/webhooks": [DOMAIN],
  "src/oidc": [DOMAIN],

  "src/gateway": [
    ...["src/gateway/commands", "src/gateway/feed", "src/gateway/sessions", "src/gateway/delivery"],
    ...["src/gateway/frames", "src/gateway/transport", "src/gateway/http", "src/gateway/metrics.ts"],
    ...["src/protocol/**", DOMAIN],
  ],
  "src/gateway/commands": [
    ...["src/gateway/sessions", "src/gateway/delivery", "src/gateway/frames", "src/gateway/metrics.ts"],
    ...["src/protocol/**", "src/public-links.ts", DOMAIN],
  ],
  "src/gateway/feed": ["src/gateway/delivery", "src/gateway/frames", "src/protocol/**", DOMAIN],
  "src/gateway/sessions": [
    ...["src/gateway/delivery", "src/gateway/frames", "src/gateway/transport", "src/gateway/metrics.ts"],
    ...["src/protocol/**", DOMAIN],
  ],
  "src/gateway/delivery": [
    ...["src/gateway/frames", "src/gateway/transport", "src/gateway/metrics.ts", "src/protocol/**", DOMAIN],
  ],
  "src/gateway/frames": ["src/protocol/**", DOMAIN, "src/public-links.ts"],
  "src/gateway/transport": ["src/gateway/http", "src/protocol/**"],
  "src/gateway/http": [DOMAIN],
  "src/gateway/metrics.ts": [],

  "src/http": [
    ...[
      "src/http/admin",
      "src/http/docs",
      "src/http/files",
      "src/http/messenger",
      "src/http/protocol",
      "src/http/talk",
    ],
    ...[
      "src/http/talk/common",
      "src/http/wire",
      "src/http/face",
      "src/http/requests",
      "src/http/answers",
      ...OF_THE_DOMAIN,
    ],
  ],
  "src/http/docs": ["src/protocol/**", "src/http/protocol", "src/http/face", "src/http/answers"],
  "src/http/files": [
    ...["src/http/face", "src/http/requests", "src/http/answers", "src/domain/files", ...OF_THE_DOMAIN],
  ],
  "src/http/admin": ["src/http/face", "src/http/requests", "src/http/answers", ...OF_THE_DOMAIN],
  "src/http/messenger": [
    ...["src/http/face", "src/http/requests", "src/http/answers", ...OF_THE_DOMAIN],
    "src/public-links.ts",
  ],
  "src/http/protocol": [
    ...["src/http/face", "src/http/requests", "src/http/answers", ...OF_THE_DOMAIN],
    "src/public-links.ts",
  ],
  "src/http/talk": [
    ...[
      "src/http/talk/routes",
      "src/http/talk/common",
      "src/http/talk/shapes",
      "src/http/face",
      "src/http/requests",
    ],
    ...OF_THE_DOMAIN,
  ],
  "src/http/talk/routes": [
    ...[
      "src/http/talk/common",
      "src/http/talk/shapes",
      "src/http/face",
      "src/http/answers",
      ...OF_THE_DOMAIN,
    ],
  ],
  "src/http/talk/common": ["src/http/talk/shapes", "src/http/face", "src/http/requests", ...OF_THE_DOMAIN],
  "src/http/talk/shapes": ["src/http/face", "src/http/requests", "src/http/answers", ...OF_THE_DOMAIN],
  "src/http/wire": [
    ...[
      "src/http/wire/conversations",
      "src/http/wire/login",
      "src/http/wire/notifications",
      "src/http/wire/people",
    ],
    ...[
      "src/http/wire/common",
      "src/http/wire/shapes",
      "src/http/face",
      "src/http/requests",
      ...OF_THE_DOMAIN,
    ],
  ],
  "src/http/wire/notifications": [
    ...["src/http/wire/conversations", "src/http/wire/common", "src/http/wire/shapes"],
    ...["src/http/face", "src/http/requests", "src/http/answers", ...OF_THE_DOMAIN],
  ],
  "src/http/wire/people": [
    ...["src/http/wire/conversations", "src/http/wire/common", "src/http/wire/shapes"],
    ...["src/http/face", "src/http/requests", ...OF_THE_DOMAIN],
  ],
  "src/http/wire/conversations": [
    ...[
      "src/http/wire/common",
      "src/http/wire/shapes",
      "src/http/face",
      "src/http/requests",
      ...OF_THE_DOMAIN,
    ],
  ],
  "src/http/wire/login": [
    ...[
      "src/http/wire/common",
      "src/http/wire/shapes",
      "src/http/face",
      "src/http/requests",
      ...OF_THE_DOMAIN,
    ],
    "src/public-links.ts",
  ],
  "src/http/wire/common": ["src/http/wire/shapes", "src/http/face", "src/http/requests", ...OF_THE_DOMAIN],
  "src/http/wire/shapes": [
    ...["src/http/face", "src/http/requests", "src/http/answers", ...OF_THE_DOMAIN],
    "src/public-links.ts",
  ],
  "src/http/face": ["src/http/requests", "src/http/answers", ...OF_THE_DOMAIN],
  "src/http/requests": [...OF_THE_DOMAIN],
  "src/http/answers": [...OF_THE_DOMAIN],

  bridge: [
    ...["bridge/demo", "bridge/local", "bridge/worker", "bridge/inbound", "bridge/outbound", "bridge/rooms"],
    "bridge/inbound/content",
    ...[
      "bridge/inbound/invitations",
      "bridge/profile",
      "bridge/live",
      "bridge/homeserver",
      "bridge/mapping",
      "bridge/store",
      "bridge/metrics.ts",
      "src/store",
      DOMAIN,
    ],
  ],
  "bridge/worker": [
    "bridge/inbound/invitations",
    ...[
      "bridge/inbound",
      "bridge/outbound",
      "bridge/rooms",
      "bridge/homeserver",
      "bridge/mapping",
      "bridge/store",
    ],
    ...["bridge/metrics.ts", DOMAIN],
  ],
  "bridge/inbound": [
    "bridge/inbound/invitations",
    ...["bridge/inbound/content", "bridge/outbound", "bridge/profile", "bridge/rooms"],
    ...["bridge/homeserver", "bridge/mapping", "bridge/store", "bridge/metrics.ts", DOMAIN],
  ],
  "bridge/inbound/content": [
    ...["bridge/outbound", "bridge/rooms", "bridge/homeserver", "bridge/mapping", "bridge/store"],
    ...["bridge/metrics.ts", DOMAIN],
  ],
  "bridge/inbound/invitations": ["bridge/homeserver", "bridge/mapping", "bridge/store", DOMAIN],
  "bridge/outbound": [
    ...[
      "bridge/live",
      "bridge/profile",
      "bridge/rooms",
      "bridge/homeserver",
      "bridge/mapping",
      "bridge/formatting",
      "bridge/store",
    ],
    ...["bridge/metrics.ts", DOMAIN],
  ],
  "bridge/profile": ["bridge/rooms", "bridge/homeserver", "bridge/mapping", "bridge/store", DOMAIN],
  "bridge/rooms": ["bridge/homeserver", "bridge/mapping", "bridge/store", DOMAIN],
  "bridge/live": ["bridge/homeserver", "bridge/mapping", "bridge/store", "bridge/metrics.ts", DOMAIN],
  "bridge/homeserver": ["bridge/mapping", "bridge/store", DOMAIN],
  "bridge/mapping": ["bridge/formatting", "bridge/store", DOMAIN],
  "bridge/formatting": [],
  "bridge/metrics.ts": ["bridge/store"],
  "bridge/store": ["src/store", "src/store/sql", DOMAIN],
  "bridge/demo": [],
  "bridge/local": ["src/file-lock.ts", DOMAIN],

  "load/services": ["bridge/local"],
  "load/faults": ["load/**", "src/client", "src/client/commands", "src/protocol/**"],
  load: ["load/**", "src/client/**", "src/protocol/**"],
};
/** Files that any folder may import: plain facts without behaviour of their own. */
const COMMON = new Set(["src/config.ts", "src/logger.ts"]);

/** Packages that only these places may know. load/peers/ holds servers that Causeway is compared with. */
const CONFINED: Record<string, readonly string[]> = {
  "uWebSockets.js": ["src/gateway/transport/transport-uws.ts", "load/peers/"],
  postgres: ["src/store/", "load/services/"],
  "@electric-sql/pglite": ["src/store/"],
  "@electric-sql/pglite-socket": ["src/store/"],
  "openid-client": ["src/oidc/"],
  ioredis: ["src/hot/", "load/peers/"],
};

interface Import {
  file: string;
  target: string;
}

const FILES = ["src", "bridge", "load"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("reports"))
    .map((name) => `${folder}/${name.split(sep).join("/")}`),
);

const IMPORTS: Import[] = FILES.flatMap((file) => {
  const text = readFileSync(join(root, file), "utf8");
  const found = text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g);
  return [...found].map(([, target = ""]) => ({ file, target: resolveTarget(file, target) }));
});

function resolveTarget(file: string, target: string): string {
  if (!target.startsWith(".")) return target;
  return relative(root, resolve(root, dirname(file), target))
    .split(sep)
    .join("/");
}

/** The row of a file: its own, or its folder's; folders of `load` without a row share one of those above. */
function layerOf(file: string): string {
  if (LAYERS[file]) return file;
  let folder = dirname(file);
  while (folder.startsWith("load/") && !LAYERS[folder]) folder = dirname(folder);
  return folder;
}

function allows(entry: string, layer: string): boolean {
  if (!entry.endsWith("/**")) return entry === layer;
  const folder = entry.slice(0, -3);
  return layer === folder || layer.startsWith(`${folder}/`);
}

function isOurs(target: string): boolean {
  return /^(src|bridge|load)\//.test(target);
}

test("folders import only what the layer table allows", () => {
  expect(IMPORTS.length).toBeGreaterThan(100);
  const wrong = IMPORTS.flatMap(({ file, target }) => {
    if (!isOurs(target) || COMMON.has(target)) return [];
    const [from, to] = [layerOf(file), layerOf(target)];
    if (to === from || LAYERS[from]?.some((entry) => allows(entry, to))) return [];
    return [`${file} imports ${target}, and the row "${from}" does not allow "${to}"`];
  });
  expect(wrong, "move the code, or ask for what it needs by a port or a use case").toEqual([]);
});

test("every folder has a row, and every row a folder or file", () => {
  const layers = new Set(FILES.map(layerOf));
  const bare = [...layers].filter((layer) => !LAYERS[layer]);
  expect(bare, "give the folder a row in LAYERS, and one in ARCHITECTURE.md").toEqual([]);
  const empty = Object.keys(LAYERS).filter((row) => !layers.has(row));
  expect(empty, "these rows of LAYERS have no files any more").toEqual([]);
});

/** Nodes that can be reached from themselves. */
function circles(arrows: ReadonlyMap<string, Iterable<string>>): string[] {
  const reaches = (start: string) => {
    const seen = new Set<string>();
    const next = [...(arrows.get(start) ?? [])];
    for (let node = next.pop(); node !== undefined; node = next.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      next.push(...(arrows.get(node) ?? []));
    }
    return seen;
  };
  return [...arrows.keys()].filter((node) => reaches(node).has(node));
}

test("ARCHITECTURE.md names every folder of the table", () => {
  const map = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const named = new Set([...map.matchAll(/`((?:src|bridge|load)[^`]*)`/g)].map(([, folder]) => folder));
  expect(Object.keys(LAYERS).filter((row) => !row.endsWith(".ts") && !named.has(row))).toEqual([]);
});

test("no file imports itself by way of others, types included", () => {
  const arrows = new Map<string, string[]>(FILES.map((file) => [file, []]));
  for (const { file, target } of IMPORTS) arrows.get(file)?.push(target);
  expect(circles(arrows)).toEqual([]);
});

test("no folder of src and bridge imports itself by way of others", () => {
  const rows = Object.keys(LAYERS).filter((row) => !row.startsWith("load"));
  const arrows = new Map(
    rows.map((row) => {
      const entries = LAYERS[row] ?? [];
      return [row, rows.filter((other) => other !== row && entries.some((entry) => allows(entry, other)))];
    }),
  );
  expect(circles(arrows)).toEqual([]);
});

test("confined packages are known in one place only", () => {
  const wrong = IMPORTS.filter(({ file, target }) => {
    const homes = CONFINED[target];
    return homes !== undefined && !homes.some((home) => file.startsWith(home));
  });
  expect(wrong).toEqual([]);
});

/** Who tells other processes something. Everybody else says what happened to a use case, which announces it once. */
const PUBLISHERS = ["src/domain/context/broadcasts.ts", "src/gateway/frames/commit-publisher.ts"];

test("only the broadcasts and the commit publisher publish on the bus", () => {
  const publishing = FILES.filter((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return /\b[bB]us\b[^;\n]*\.publish\b|\bpublish\b[^;\n]*[=:]\s*[\w.#]*[bB]us\b/.test(text);
  });
  const ours = publishing.filter((file) => !file.startsWith("load/")).sort();
  expect(ours, "announce it by a method of src/domain/ports/broadcasts.ts").toEqual(PUBLISHERS);
});
