/** HTTP alone, for a process without a gateway: the homeserver's transactions, probes and metrics of a bridge. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { HttpHandler } from "./gateway/http-exchange.ts";
import { serveNode } from "./gateway/http-node.ts";
import { BodyBudget } from "./gateway/incoming-body.ts";

export interface HttpServer {
  port: number;
  close(): Promise<void>;
}

/** @throws Error when the port is taken */
export async function serveHttp(host: string, port: number, handler: HttpHandler): Promise<HttpServer> {
  const budget = new BodyBudget();
  const server = createServer((request, response) => serveNode(request, response, handler, budget));
  server.listen(port, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
