/** One delivery: a signed POST that follows nobody elsewhere and reads no more of the answer than its status. */
import { createHmac } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { ForbiddenAddress, type Targets } from "./targets.ts";

export interface Post {
  url: string;
  secret: string;
  body: string;
}

/** `delivered` for any 2xx; everything else is tried again. `reason` never holds the URL or the secret. */
export type PostOutcome = { delivered: true } | { delivered: false; reason: string };

export type Poster = (post: Post) => Promise<PostOutcome>;

const USER_AGENT = "Causeway-Webhooks/1";
const MAX_ANSWER_BYTES = 64 * 1024;

export interface PosterOptions {
  targets: Pick<Targets, "lookup" | "allowsHost">;
  /** How long a receiver may take, from the connection to the status. */
  timeoutMs: number;
}

export interface ClosablePoster {
  post: Poster;
  close(): void;
}

export function createPoster({ targets, timeoutMs }: PosterOptions): ClosablePoster {
  const agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };

  function send(url: URL, post: Post): Promise<number> {
    const { secret, body } = post;
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
        // A kept connection that the receiver had closed meanwhile says nothing about the receiver.
        if (outgoing.reusedSocket && error.code === "ECONNRESET") resolve(send(url, post));
        else reject(error);
      });
      outgoing.end(bytes);
    });
  }

  return {
    async post(post) {
      const url = new URL(post.url);
      if (!targets.allowsHost(url)) return { delivered: false, reason: "The address may not be reached" };
      try {
        const status = await send(url, post);
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
  response.on("error", () => {}); // The status is known; what follows is of no interest.
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
