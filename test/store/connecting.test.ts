/** Opening a connection fails in every way that an operating system has; the process lives, and tries in a bounded pace. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { afterAll, expect, test } from "vitest";
import type { OpenSocket } from "../../src/store/sql/connection.ts";
import { openDatabase } from "../../src/store/sql/database.ts";
import { describeWith } from "../services/need.ts";

describeWith("postgres", "a connection to PostgreSQL", ({ postgres }) => {
  const closing: (() => Promise<void>)[] = [];
  afterAll(() => Promise.all(closing.map((close) => close())));

  function open(url: string, openSocket?: OpenSocket) {
    const db = openDatabase({ url, maxConnections: 2, statementTimeoutMs: 1_000, openSocket });
    closing.push(db.close);
    return db;
  }

  test("survives an error that comes in the turn of the event loop in which it is opened", async () => {
    let attempts = 0;
    let reachable = false;
    const db = open(postgres.url, (address) => {
      attempts++;
      if (reachable) return connect(address as { host: string; port: number });
      // As net.connect does when the system refuses at once.
      return new Socket().destroy(Object.assign(new Error("connect ENETUNREACH"), { code: "ENETUNREACH" }));
    });
    const asked = Array.from({ length: 500 }, () => db.sql`select 1`.catch((error: unknown) => error));
    const answers = await Promise.all(asked);
    for (const answer of answers) expect(answer).toMatchObject({ code: "unavailable" });
    expect(attempts).toBeLessThan(50);
    reachable = true;
    await db.ping(5_000);
  });

  test("loses one try, and nothing else, to a server that goes away at any write", async () => {
    const odd = ["a", null, '"\\{,}'];
    for (let dyingAt = 1; dyingAt <= 6; dyingAt++) {
      let writes = 0;
      const db = open(postgres.url, (address) => {
        const socket = connect(address as { host: string; port: number });
        const write = socket.write.bind(socket) as (...input: unknown[]) => boolean;
        socket.write = (...input: unknown[]) => {
          if (++writes === dyingAt) socket.destroy();
          return write(...input);
        };
        return socket;
      });
      // An error that nobody can catch would fail the run.
      await db.sql`select ${odd}::text[] as texts`.catch(() => {});
      writes = Number.POSITIVE_INFINITY;
      await db.ping(5_000);
      const [row] = await db.sql`select ${odd}::text[] as texts, ${[1, 2]}::bigint[] as numbers`;
      expect(row).toEqual({ texts: odd, numbers: [1, 2] });
    }
  });

  test("tries the next host when one takes nobody", async () => {
    const { port } = new URL(postgres.url);
    const db = open(postgres.url.replace(`127.0.0.1:${port}`, `127.0.0.1:1,127.0.0.1:${port}`));
    const [row] = await db.sql<[{ one: number }]>`select 1 as one`;
    expect(row.one).toBe(1);
  });

  test.for(["127.0.0.1", "localhost"])("survives the descriptor limit on the way to %s", async (host) => {
    const script = `
      import { openSync, closeSync } from "node:fs";
      const { openDatabase } = await import(${JSON.stringify(new URL("../../dist/src/store/sql/database.js", import.meta.url).href)});
      const url = ${JSON.stringify(postgres.url)}.replace("127.0.0.1", "${host}");
      const db = openDatabase({ url, maxConnections: 2, statementTimeoutMs: 1_000 });
      await db.sql\`select 1\`.catch(() => {});
      db.abort();
      const other = openDatabase({ url, maxConnections: 2, statementTimeoutMs: 1_000 });
      const taken = [];
      try { for (;;) taken.push(openSync("/dev/null")); } catch {}
      const refused = await other.read(other.sql\`select 1\`).then(() => "answered", (error) => error.code);
      for (const descriptor of taken) closeSync(descriptor);
      await other.ping(5_000);
      process.stdout.write(refused);
      process.exit(0);
    `;
    const command = `ulimit -n 64; exec "${process.execPath}" --input-type=module -`;
    const child = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.end(script);
    let output = "";
    child.stdout.on("data", (bytes) => {
      output += bytes;
    });
    const [code] = await once(child, "close");
    expect(code).toBe(0);
    expect(output).toBe("unavailable");
  });
});
