import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** Which of our folders each folder may import. `src` stands for the files directly in src/. */
const LAYERS: Record<string, readonly string[]> = {
  "src/protocol": [],
  "src/domain": [],
  "src/store": ["src/domain"],
  "src/hot": ["src/domain"],
  "src/attachments": ["src/domain"],
  "src/webhooks": ["src/domain"],
  "src/gateway": ["src/domain", "src/protocol"],
  "src/http": ["src/domain"],
  "src/client": ["src/protocol"],
  bridge: ["src/domain", "src/store"],
  "load/services": ["bridge"],
  "load/faults": ["load", "load/services", "src/client", "src/protocol"],
  load: ["load/services", "src/client", "src/protocol"],
};
/** Files that any folder may import: plain facts without behaviour of their own. */
const COMMON = new Set(["src/config.ts", "src/logger.ts"]);

/** Packages that only these places may know. load/peers/ holds servers that Causeway is compared with. */
const CONFINED: Record<string, readonly string[]> = {
  "uWebSockets.js": ["src/gateway/transport-uws.ts", "load/peers/"],
  postgres: ["src/store/", "load/services/"],
  "@electric-sql/pglite": ["src/store/"],
  "@electric-sql/pglite-socket": ["src/store/"],
  ioredis: ["src/hot/", "load/peers/"],
};

interface Import {
  file: string;
  target: string;
}

function imports(): Import[] {
  return ["src", "bridge", "load"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => {
        const path = join(root, folder, name);
        const found = readFileSync(path, "utf8").matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g);
        const file = relative(root, path).split(sep).join("/");
        return [...found].map(([, target]) => ({ file, target: resolveTarget(path, target ?? "") }));
      }),
  );
}

function resolveTarget(path: string, target: string): string {
  if (!target.startsWith(".")) return target;
  return relative(root, resolve(dirname(path), target))
    .split(sep)
    .join("/");
}

function layerOf(file: string): string | null {
  return Object.keys(LAYERS).find((layer) => file.startsWith(`${layer}/`)) ?? null;
}

test("folders import only what the layer table allows", () => {
  const all = imports();
  expect(all.length).toBeGreaterThan(100);
  const wrong = all.filter(({ file, target }) => {
    const from = layerOf(file);
    const ours = target.startsWith("src/") || target.startsWith("bridge/") || target.startsWith("load/");
    if (from === null || !ours || COMMON.has(target)) return false;
    const to = layerOf(target);
    return to !== from && (to === null || !LAYERS[from]?.includes(to));
  });
  expect(wrong).toEqual([]);
});

test("confined packages are known in one place only", () => {
  const wrong = imports().filter(({ file, target }) => {
    const homes = CONFINED[target];
    return homes !== undefined && !homes.some((home) => file.startsWith(home));
  });
  expect(wrong).toEqual([]);
});
