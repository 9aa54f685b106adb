/** A receiver of webhooks that remembers what came, and answers as a test says. */
import { createHmac } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, vi } from "vitest";

export interface Received {
  id: string;
  type: string;
  payload: Record<string, unknown>;
  signature: string | undefined;
  raw: string;
  /** ms. */
  at: number;
  status: number;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** The status of an answer; 200 unless told. Null: no answer at all. */
  answer: (one: Received) => number | null;
  /** The bodies that were taken, in order of arrival. */
  taken(): Received[];
  /** Waits until as many were taken as there should be. */
  takes(count: number): Promise<Received[]>;
  close(): Promise<void>;
  /** Listens again on the same port after `close`. */
  open(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const hanging: ServerResponse[] = [];
  const server = createServer(async (request, response) => {
    let raw = "";
    for await (const chunk of request) raw += chunk;
    const one: Received = {
      ...(JSON.parse(raw) as Pick<Received, "id" | "type" | "payload">),
      ...{ raw, signature: request.headers["x-protocol-signature"] as string, at: Date.now(), status: 0 },
    };
    received.push(one);
    const status = receiver.answer(one);
    one.status = status ?? 0;
    if (status === null) hanging.push(response);
    else response.writeHead(status).end("thanks");
  });
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  const port = await listen(0);
  const taken = () => received.filter(({ status }) => status >= 200 && status < 300);
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    answer: () => 200,
    taken,
    async takes(count) {
      await vi.waitFor(() => expect(taken().length).toBeGreaterThanOrEqual(count), {
        timeout: 20_000,
        interval: 20,
      });
      return taken();
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    open: async () => void (await listen(port)),
  };
  return receiver;
}

export function signatureOf(secret: string, raw: string): string {
  return createHmac("sha256", secret).update(raw).digest("hex");
}
