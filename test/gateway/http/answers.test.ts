/** HTTP answers as a proxy in front of a gateway sees them: it believes what the headers say about the body. */
import { type IncomingMessage, request } from "node:http";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../../services/need.ts";
import { type Node, site, TRANSPORTS } from "../fixtures.ts";

describeWith("postgres", "HTTP answers", ({ postgres }) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    const { node } = site(postgres.url);
    let gateway: Node;

    beforeAll(async () => {
      const http = async ({ url }: Request) =>
        url.endsWith("/nothing") ? new Response(null, { status: 204 }) : new Response("seven b");
      gateway = await node({ transport, gateway: { http } });
    });

    const ask = (method: string, path: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        request(gateway.url + path, { method }, (answer) => resolve(answer.resume()))
          .once("error", reject)
          .end();
      });

    test("204 tells no length", async () => {
      const answer = await ask("DELETE", "/nothing");
      expect(answer.statusCode).toBe(204);
      expect(answer.headers).not.toHaveProperty("content-length");
      expect(answer.headers).not.toHaveProperty("transfer-encoding");
    });

    test("HEAD tells the length that GET has", async () => {
      expect((await ask("GET", "/text")).headers["content-length"]).toBe("7");
      expect((await ask("HEAD", "/text")).headers["content-length"]).toBe("7");
    });
  });
});
