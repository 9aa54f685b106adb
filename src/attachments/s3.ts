/** Attachments as objects in S3-compatible storage. Keys are in one bucket, under one prefix. */
import { AwsClient } from "aws4fetch";
import { DomainError } from "../domain/errors.ts";
import type { AttachmentFiles } from "../domain/ports/attachments.ts";

export interface S3Options {
  /** Without a path: the bucket becomes its first part, as every S3-compatible server understands. */
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
const TIMEOUT_MS = 60_000;
const RETRIES = 3;

export function attachmentsInS3({
  endpoint,
  bucket,
  region,
  accessKey,
  secretKey,
}: S3Options): AttachmentFiles {
  const client = new AwsClient({
    ...{ accessKeyId: accessKey, secretAccessKey: secretKey, region, service: "s3", retries: RETRIES },
  });
  const base = `${endpoint.replace(/\/+$/, "")}/${encodeURIComponent(bucket)}/${PREFIX}`;

  async function ask(method: string, key: string, body?: Blob): Promise<Response> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let response: Response;
    try {
      response = await client.fetch(`${base}${encodeURIComponent(key)}`, {
        ...{ method, signal, redirect: "error" },
        ...(body && { body }),
      });
    } catch (error) {
      throw unavailable(error);
    }
    if (response.ok || response.status === 404) return response;
    const text = await response.text();
    throw unavailable(new Error(`${method} answered ${response.status}: ${text.slice(0, 300)}`));
  }

  return {
    async put(key, content) {
      const response = await ask("PUT", key, content);
      await response.body?.cancel();
      if (response.status === 404) throw unavailable(new Error(`There is no bucket ${bucket}`));
    },
    async open(key) {
      const response = await ask("GET", key);
      if (response.ok) return response.body;
      await response.body?.cancel();
      return null;
    },
    async delete(key) {
      await (await ask("DELETE", key)).body?.cancel();
    },
  };
}

function unavailable(cause: unknown): DomainError {
  const error = new DomainError("unavailable", "The file storage can't be reached; try again");
  error.cause = cause;
  return error;
}
