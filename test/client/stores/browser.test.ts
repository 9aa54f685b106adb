/** The store in a real browser's IndexedDB: what it wrote is there when the page is loaded again, and a spoilt batch is not. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";

const STORES = resolve(import.meta.dirname, "../../../src/client/stores");

async function script(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { indexedDbStore } from "./indexeddb.ts"; globalThis.store = indexedDbStore("chat");`,
      resolveDir: STORES,
    },
    ...{ bundle: true, write: false, format: "iife", target: "es2022" },
  });
  return outputFiles[0]?.text ?? "";
}

describeWith("chromium", "IndexedDB of Chromium", ({ chromium }) => {
  // A page without an origin has no IndexedDB.
  const server = createServer((_, answer) =>
    answer.setHeader("content-type", "text/html").end("<p>page</p>"),
  );
  beforeAll(() => new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening)));
  afterAll(() => void server.close());

  test("keeps batches whole, lists ranges from both ends, and outlives the page", async () => {
    const browser = await chromium.launch();
    try {
      const page = await browser.newPage();
      const content = await script();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await page.addScriptTag({ content });
      const spoilt = await page.evaluate(`(async () => {
        await store.batch(["a", "b", "c"].map((key) => ({ table: "messages", key, value: key.repeat(2) })));
        await store.batch([{ table: "messages", from: "b", to: "b" }, { table: "rooms", key: "r", value: "1" }]);
        const batch = [{ table: "rooms", key: "r", value: "2" }, { table: "nowhere", key: "x", value: "2" }];
        return await store.batch(batch).then(() => "written", (error) => error.name);
      })()`);
      expect(spoilt).toBe("NotFoundError");
      await page.reload();
      await page.addScriptTag({ content });
      const found = await page.evaluate(`(async () => [
        await store.get("rooms", "r"),
        await store.range("messages"),
        await store.range("messages", { to: "c", limit: 1, reverse: true }),
        await store.range("messages", { from: "d", to: "a" }),
      ])()`);
      const rows = [
        ["a", "aa"],
        ["c", "cc"],
      ];
      expect(found).toEqual(["1", rows, rows.slice(1), []]);
    } finally {
      await browser.close();
    }
  });
});
