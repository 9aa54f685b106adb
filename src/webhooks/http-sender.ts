/** Sends one delivery: a signed POST. It follows no redirects, and uses only the status of the answer. */
import { createHmac } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { ForbiddenAddress, type Targets } from "./targets.ts";

export interface SignedRequest {
  url: string;
  secret: string;
  body: string;
}

/** `delivered` is true for any 2xx; any other outcome is tried again. `reason` never holds the URL or the secret. */
export type SendOutcome = { delivered: true } | { delivered: false; reason: string };

export type Send = (request: SignedRequest) => Promise<SendOutcome>;

const USER_AGENT = "Causeway-Webhooks/1";
const MAX_ANSWER_BYTES = 64 * 1024;

export interface HttpSenderOptions {
  targets: Pick<Targets, "lookup" | "allowsHost">;
  /** The time that a receiver may take, from the connection to the status. */
  timeoutMs: number;
}

export interface HttpSender {
  send: Send;
  close(): void;
}

export function createHttpSender({ targets, timeoutMs }: HttpSenderOptions): HttpSender {
  const agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };

  function post(url: URL, signed: SignedRequest): Promise<number> {
    const { secret, body } = signed;
    const bytes = Buffer.from(body);
    const { request } = url.protocol === "https:" ? https : http;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        url,
        {
          method: "POST",
          agent: agents[url.protocol as keyof typeof agents],
          lookup: targets.lookup,
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            "content-type": "application/json",
            "content-length": bytes.length,
            "user-agent": USER_AGENT,
            "x-protocol-signature": signatureOf(secret, bytes),
          },
        },
        (response) => {
          skip(response);
          resolve(response.statusCode ?? 0);
        },
      );
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        // The receiver had closed a kept connection. That is no failure, so the delivery goes over a new one.
        if (outgoing.reusedSocket && error.code === "ECONNRESET") resolve(post(url, signed));
        else reject(error);
      });
      outgoing.end(bytes);
    });
  }

  return {
    async send(signed) {
      const url = new URL(signed.url);
      if (!targets.allowsHost(url)) return { delivered: false, reason: "The address may not be reached" };
      try {
        const status = await post(url, signed);
        if (status >= 200 && status < 300) return { delivered: true };
        return { delivered: false, reason: `The receiver answered ${status}` };
      } catch (error) {
        return { delivered: false, reason: reasonOf(error) };
      }
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** Reads a short answer to its end, so that the connection can be used again; a long one ends the connection. */
function skip(response: http.IncomingMessage): void {
  let bytes = 0;
  response.on("error", () => {}); // The status is known, so the rest of the answer does not matter.
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) response.destroy();
  });
}

/** [D.3] Lower-case hexadecimal HMAC-SHA256 of the raw body. */
export function signatureOf(secret: string, body: Uint8Array): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

function reasonOf(error: unknown): string {
  if (error instanceof ForbiddenAddress) return error.message;
  const { name, code } = error as NodeJS.ErrnoException;
  if (name === "AbortError" || name === "TimeoutError") return "The receiver took too long";
  return `The receiver can't be reached (${code ?? name})`;
}
