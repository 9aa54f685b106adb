/** A gateway that stops answers what it carries out, and carries out nothing that it does not answer. */
import { Agent, request } from "node:http";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { site, TRANSPORTS } from "../fixtures.ts";

interface Answer {
  status: number;
  connection: string | undefined;
}

describeWith("postgres", "a gateway that stops", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node } = site(postgres.url);

    /** A gateway whose requests are held until `release`, and how many it has begun to carry out. */
    async function held(drainMs = 20_000) {
      const waiting: (() => void)[] = [];
      let onBegun = () => {};
      const handler = async (asked: Request) => {
        await asked.text();
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          onBegun();
        });
        return new Response("done");
      };
      const started = await node({ transport, gateway: { http: handler, drainMs } });
      const begun = (count: number) =>
        new Promise<void>((resolve) => {
          onBegun = () => waiting.length >= count && resolve();
          onBegun();
        });
      return {
        ...started,
        begun,
        carriedOut: () => waiting.length,
        release: () => {
          for (const go of waiting.splice(0)) go();
        },
      };
    }

    function post(url: string, agent: Agent): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const sent = request(url, { method: "POST", agent }, (answer) => {
          answer.resume();
          answer.once("end", () =>
            resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection }),
          );
        });
        sent.once("error", reject);
        sent.end("a body");
      });
    }

    test("answers every request under way, and refuses what comes after on the same connections", async () => {
      const { url, gateway, begun, release, carriedOut } = await held();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const agents = Array.from({ length: 50 }, () => new Agent({ keepAlive: true }));
      const idle = post(url, agent);
      await begun(1);
      release();
      await idle;

      const all = agents.map((one) => post(url, one));
      await begun(50);
      const drained = gateway.drain();
      // Its connection is kept from before.
      expect(await post(url, agent)).toEqual({ status: 503, connection: "close" });
      expect(carriedOut()).toBe(50);
      release();
      expect(await Promise.all(all)).toEqual(Array(50).fill({ status: 200, connection: "close" }));
      await drained;
      await expect(post(url, new Agent())).rejects.toThrow("ECONNREFUSED");
      for (const one of [agent, ...agents]) one.destroy();
    });

    test("that is about to leave serves as before, and ends each connection with its answer", async () => {
      const { url, gateway, begun, release } = await held();
      gateway.leave();
      const answer = post(url, new Agent({ keepAlive: true }));
      await begun(1);
      release();
      expect(await answer).toEqual({ status: 200, connection: "close" });
    });

    test("waits no longer than DRAIN_MS", async () => {
      const { url, gateway, begun } = await held(50);
      const answer = post(url, new Agent()).catch((error: NodeJS.ErrnoException) => error.code);
      await begun(1);
      await gateway.drain();
      await gateway.close();
      expect(await answer).toBe("ECONNRESET");
    });
  });
});
