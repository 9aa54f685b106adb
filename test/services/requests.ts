/**
 * How test files, which run in processes of their own, ask vitest's main process for what a run shares: HTTP on
 * loopback, `GET /<path>`, with JSON or the reason of a refusal as the answer.
 */
import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Requests {
  readonly address: string;
  close(): void;
}

export async function answerRequests(answer: (path: string) => Promise<unknown>): Promise<Requests> {
  const server = createServer((request, response) => {
    answer((request.url ?? "").slice(1)).then(
      (value) => response.end(JSON.stringify(value ?? null)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Not with `fetch`, which gives up after five minutes: an installation from a slow network may take longer.
 * @throws Error with the reason of a refusal
 */
export async function ask(address: string, path: string): Promise<unknown> {
  const [response] = (await once(get(`${address}/${path}`), "response")) as [IncomingMessage];
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(body);
  return JSON.parse(body);
}
