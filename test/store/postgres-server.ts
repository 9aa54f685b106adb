import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export async function startPostgres() {
  const dir = mkdtempSync(join(tmpdir(), "pgtest-"));
  const uid = Number(spawnSync("id", ["-u", "postgres"], { encoding: "utf8" }).stdout);
  chownSync(dir, uid, uid);
  const bin = "/usr/lib/postgresql/15/bin";
  const data = join(dir, "data");
  spawnSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
    { uid, gid: uid },
  );
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const port = (probe.address() as { port: number }).port;
  probe.close();
  const ctl = (...args: string[]) => {
    const r = spawnSync(join(bin, "pg_ctl"), ["-D", data, "-w", "-l", join(dir, "log"), ...args], {
      uid,
      gid: uid,
      encoding: "utf8",
      stdio: ["ignore", "ignore", "ignore"],
    });
    if (r.status !== 0)
      throw new Error(`pg_ctl ${args} failed ${readFileSync(join(dir, "log"), "utf8").slice(-500)}`);
  };
  const start = () => ctl("start", "-o", `-p ${port} -k ${dir} -c listen_addresses=127.0.0.1`);
  start();
  let n = 0;
  const pid = () => Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async createDatabase() {
      const name = `t${n++}_${Date.now()}`;
      spawnSync(join(bin, "createdb"), ["-h", dir, "-p", String(port), "-U", "postgres", name]);
      return `postgres://postgres@127.0.0.1:${port}/${name}`;
    },
    pid,
    start: async () => {
      for (let i = 0; ; i++) {
        try {
          return start();
        } catch (error) {
          if (i > 20) throw error;
          await new Promise((r) => setTimeout(r, 100));
        }
      }
    },
    restart: async () =>
      ctl("restart", "-m", "immediate", "-o", `-p ${port} -k ${dir} -c listen_addresses=127.0.0.1`),
    async kill() {
      process.kill(pid(), "SIGKILL");
    },
    async stop() {
      try {
        ctl("stop", "-m", "immediate");
      } catch {}
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
