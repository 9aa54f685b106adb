/** A proxy in front of the homeserver, which at times answers in its own words. */
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

interface Nonsense {
  status: number;
  type?: string;
  body?: string;
}

export interface ProxyInFront {
  readonly url: string;
  /** What it answers instead of the homeserver; null: the homeserver answers. */
  instead: (path: string) => Nonsense | null;
  /** Requests that it answered itself. */
  readonly refused: number;
  close(): void;
}

export async function startProxy(target: string): Promise<ProxyInFront> {
  let refused = 0;
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = "" } = incoming;
    const nonsense = proxy.instead(url);
    if (nonsense) {
      refused++;
      incoming.resume();
      outgoing.writeHead(nonsense.status, { "content-type": nonsense.type ?? "text/html" });
      outgoing.end(nonsense.body ?? "<html><h1>Nginx</h1></html>");
      return;
    }
    const forwarded = request(target + url, { ...(method && { method }), headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: ProxyInFront = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    instead: () => null,
    get refused() {
      return refused;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return proxy;
}
