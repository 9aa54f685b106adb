/** Attachments as objects in S3-compatible storage. Keys are in one bucket, under one prefix. */

import { createReadStream } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { backoffMs } from "../domain/backoff.ts";
import type { AttachmentFiles, ByteRange } from "../domain/ports/attachments.ts";
import { createSpool, filesAway, webStream } from "./spool.ts";

export interface S3Options {
  /** Without a path. The bucket becomes its first part: all S3-compatible servers understand that. */
  endpoint: string;
  bucket: string;
  region: string;
  accessKey: string;
  secretKey: string;
}

/**
 * Reads `https://ACCESS_KEY:SECRET_KEY@host/bucket?region=…`; the keys are percent-encoded.
 * @throws Error that names what is missing, and never the secret
 */
export function parseS3Url(text: string): S3Options {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new Error("ATTACHMENTS_URL must be an http or https URL");
  const bucket = decodeURIComponent(url.pathname.replace(/^\/+|\/+$/g, ""));
  if (bucket === "" || bucket.includes("/"))
    throw new Error("ATTACHMENTS_URL must name one bucket as its path");
  if (url.username === "" || url.password === "")
    throw new Error("ATTACHMENTS_URL must hold ACCESS_KEY:SECRET_KEY@");
  return {
    endpoint: url.origin,
    bucket,
    region: url.searchParams.get("region") ?? DEFAULT_REGION,
    accessKey: decodeURIComponent(url.username),
    secretKey: decodeURIComponent(url.password),
  };
}

const DEFAULT_REGION = "us-east-1";
const PREFIX = "attachments/";
/** The time until the answer begins. Its body may come slowly. */
const TIMEOUT_MS = 60_000;
const TRIES = 4;
const PAUSES = { firstMs: 100, maxMs: 1_000 };

interface S3Request {
  headers?: Record<string, string>;
  /** Makes the body, for each attempt. */
  body?: () => ReadableStream<Uint8Array>;
}

/** @param incoming a folder on this machine for files that are being received */
export function attachmentsInS3(options: S3Options, incoming: string): AttachmentFiles {
  const ask = requests(options);
  const spool = createSpool(incoming, async ({ path, size }, key) => {
    const response = await ask("PUT", key, {
      headers: { "Content-Length": String(size) },
      body: () => webStream(createReadStream(path)),
    });
    await response.body?.cancel();
    if (response.status === 404) throw filesAway(new Error(`There is no bucket ${options.bucket}`));
  });

  return {
    ...spool,
    async open(key, range) {
      const response = await ask("GET", key, range && { headers: { Range: rangeOf(range) } });
      const isAnswer = response.ok && (range === undefined || response.status === 206);
      if (isAnswer && response.body) return response.body;
      await response.body?.cancel();
      if (response.ok) throw filesAway(new Error(`GET answered ${response.status} to a range`));
      return null;
    },
    async delete(key) {
      await (await ask("DELETE", key)).body?.cancel();
    },
  };
}

function rangeOf({ first, last }: ByteRange): string {
  return `bytes=${first}-${last}`;
}

/** Sends signed requests for one object, and repeats them while the storage is away for a moment. The answer is 2xx or 404. */
function requests({ endpoint, bucket, region, accessKey, secretKey }: S3Options) {
  const client = new AwsClient({
    ...{ accessKeyId: accessKey, secretAccessKey: secretKey, region, service: "s3" },
  });
  const base = `${endpoint.replace(/\/+$/, "")}/${encodeURIComponent(bucket)}/${PREFIX}`;

  async function attempt(method: string, key: string, { headers, body }: S3Request): Promise<Response> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error(`${method} got no answer in time`)), TIMEOUT_MS);
    try {
      const signed = await client.sign(`${base}${encodeURIComponent(key)}`, {
        ...{ method, ...(headers && { headers }) },
      });
      const stream = body?.();
      return await fetch(signed.url, {
        ...{ method, headers: signed.headers, redirect: "error", signal: limit.signal },
        ...(stream && { body: stream, duplex: "half" }),
      } as RequestInit);
    } finally {
      clearTimeout(timer);
    }
  }

  return async (method: string, key: string, request: S3Request = {}): Promise<Response> => {
    for (let tries = 1; ; tries++) {
      const response = await attempt(method, key, request).catch((error: unknown) => {
        if (tries === TRIES) throw filesAway(error);
        return null;
      });
      if (response?.ok || response?.status === 404) return response;
      if (response && ((response.status < 500 && response.status !== 429) || tries === TRIES)) {
        const text = await response.text();
        throw filesAway(new Error(`${method} answered ${response.status}: ${text.slice(0, 300)}`));
      }
      await response?.body?.cancel();
      await delay(backoffMs(PAUSES, tries - 1));
    }
  };
}
