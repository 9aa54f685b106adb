/** HTTP for a process without a gateway: the transactions of the homeserver, and the probes and metrics of a bridge. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ClientAddress, HttpDoor } from "../gateway/http/door.ts";
import type { HttpHandler } from "../gateway/http/exchange.ts";
import { createNodeServer, stopListening } from "../gateway/transport/serve-node.ts";

export interface HttpServer {
  port: number;
  /** Makes every answer end its connection. Requests are served as before. */
  leave(): void;
  /** Takes no new connections and no new requests, and answers those under way, within `limitMs`. */
  drain(limitMs: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error when the port is taken */
export async function serveHttp(
  host: string,
  port: number,
  handler: HttpHandler,
  clientAddress?: ClientAddress,
): Promise<HttpServer> {
  const door = new HttpDoor(handler, clientAddress);
  const server = createNodeServer(door);
  server.listen(port, host);
  await once(server, "listening");
  const closed = once(server, "close");
  return {
    port: (server.address() as AddressInfo).port,
    leave: () => door.leave(),
    async drain(limitMs) {
      stopListening(server);
      await door.drain(limitMs);
    },
    async close() {
      stopListening(server);
      server.closeAllConnections();
      await closed;
    },
  };
}
