/** Fetches what somebody else's URL names, within bounds: only from addresses that webhooks may reach, and without redirects. */
import http from "node:http";
import https from "node:https";
import type { Targets } from "./targets.ts";

export interface GuardedGetOptions {
  targets: Pick<Targets, "check" | "lookup">;
  /** From the first packet to the last byte. */
  timeoutMs: number;
  maxBytes: number;
}

/** @throws Error with a reason that does not hold the URL; DomainError `bad_request` for one that may not be reached */
export type GuardedGet = (url: string) => Promise<Uint8Array>;

const USER_AGENT = "Causeway/1";

export function createGuardedGet({ targets, timeoutMs, maxBytes }: GuardedGetOptions): GuardedGet {
  return async (text) => {
    await targets.check(text);
    const url = new URL(text);
    const signal = AbortSignal.timeout(timeoutMs);
    const { get } = url.protocol === "https:" ? https : http;
    return await new Promise((resolve, reject) => {
      // A connection of its own: `lookup` checks the address of each.
      const asked = get(
        url,
        { agent: false, lookup: targets.lookup, signal, headers: { "user-agent": USER_AGENT } },
        (answer) => {
          if (answer.statusCode !== 200) answer.destroy(new Error(`The answer is ${answer.statusCode}`));
          bytesOf(answer, maxBytes).then(resolve, reject);
        },
      );
      asked.on("error", reject);
    });
  };
}

async function bytesOf(answer: http.IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`The answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
