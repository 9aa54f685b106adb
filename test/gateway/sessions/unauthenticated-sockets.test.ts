/** [GW-2.9] Sockets that say nothing: one address may hold so many, and nobody else's are refused for it. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { describeWith } from "../../services/need.ts";
import { person, site, TRANSPORTS } from "../fixtures.ts";

const MAX_PER_ADDRESS = 1_000;
const LINE = "2001:db8:1:2:";

describeWith("postgres", "sockets that say nothing", ({ postgres }) => {
  const open: WebSocket[] = [];
  afterEach(() => {
    for (const socket of open.splice(0)) socket.terminate();
  });

  const { node } = site(postgres.url);

  describe.each(TRANSPORTS)("over %s", (transport) => {
    /** Says hello when it is told to; `from` is what a proxy says of it. */
    async function socket(url: string, from: string): Promise<WebSocket> {
      const headers = { "x-forwarded-for": from };
      const made = new WebSocket(`${url.replace("http", "ws")}/ws`, "causeway.v1.json", { headers });
      open.push(made);
      await once(made, "open");
      return made;
    }

    test("[GW-2.9] are bounded per address, and who said hello does not count", async () => {
      const clientAddress = (peer: string, forwardedFor?: string) => forwardedFor || peer;
      const started = await node({ transport, gateway: { rateLimits: true, clientAddress } });
      const { token } = await person(started, "Ann");
      const greeted = await socket(started.url, `${LINE}:1`);
      greeted.send(JSON.stringify({ op: "hello", ref: 1, token }));
      await once(greeted, "message");
      for (let n = 0; n < MAX_PER_ADDRESS; n += 100)
        await Promise.all(Array.from({ length: 100 }, (_, i) => socket(started.url, `${LINE}:${n + i + 1}`)));
      expect(started.gateway.stats().connections).toBe(MAX_PER_ADDRESS + 1);
      const [code] = await once(await socket(started.url, `${LINE}:ffff`), "close");
      expect(code).toBe(4006);
      const elsewhere = await socket(started.url, "2001:db8:1:3::1");
      elsewhere.send(JSON.stringify({ op: "hello", ref: 1, token }));
      const [ready] = await once(elsewhere, "message");
      expect(JSON.parse(String(ready))).toMatchObject({ op: "ready" });
    }, 60_000);
  });

  test("a head that is never finished ends its connection, on either transport", async () => {
    const sockets: Socket[] = [];
    for (const transport of TRANSPORTS) {
      const { url } = await node({ transport });
      const slow = connect(Number(new URL(url).port), "127.0.0.1");
      slow.on("error", () => {});
      slow.write("GET / HTTP/1.1\r\nX: ");
      sockets.push(slow);
    }
    const drip = setInterval(() => {
      for (const slow of sockets) slow.write("x");
    }, 1_000);
    await Promise.all(sockets.map((slow) => new Promise((resolve) => slow.once("close", resolve))));
    clearInterval(drip);
  }, 60_000);
});
