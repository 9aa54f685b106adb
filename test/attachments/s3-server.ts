/**
 * A server that speaks as much S3 as attachments need: objects of one bucket, path style, and Signature Version 4, which
 * it computes by itself from the request that came.
 */
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface S3Server {
  /** `http://127.0.0.1:…` */
  origin: string;
  objects: Map<string, Buffer>;
  /** How many of the next requests are answered 503. */
  failures: number;
  close(): Promise<void>;
}

export async function startS3(credentials: {
  accessKey: string;
  secretKey: string;
  region: string;
  bucket: string;
}): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const state = { objects, failures: 0 };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const status = answer(request, Buffer.concat(chunks));
    const object = status === 200 && request.method === "GET" ? objects.get(request.url ?? "") : undefined;
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    if (object && last) response.writeHead(206).end(object.subarray(Number(first), Number(last) + 1));
    else response.writeHead(status).end(object);
  });

  function answer(request: IncomingMessage, body: Buffer): number {
    if (state.failures > 0) {
      state.failures--;
      return 503;
    }
    if (!isSigned(request, credentials)) return 403;
    const path = request.url ?? "";
    if (!path.startsWith(`/${credentials.bucket}/`)) return 404;
    if (request.method === "PUT") objects.set(path, body);
    if (request.method === "GET") return objects.has(path) ? 200 : 404;
    if (request.method === "DELETE") objects.delete(path);
    return request.method === "DELETE" ? 204 : 200;
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    origin: `http://127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  });
}

function isSigned(
  request: IncomingMessage,
  { accessKey, secretKey, region }: Record<string, string>,
): boolean {
  const header = request.headers.authorization ?? "";
  const parts = /^AWS4-HMAC-SHA256 Credential=(.+?)\/(.+), SignedHeaders=(.+), Signature=(.+)$/.exec(header);
  const [, key, scope = "", signed = "", signature] = parts ?? [];
  const [day = ""] = scope.split("/");
  if (key !== accessKey || scope !== `${day}/${region}/s3/aws4_request`) return false;
  const headers = signed.split(";").map((name) => `${name}:${request.headers[name]}\n`);
  const canonical = [
    ...[request.method, request.url, "", `${headers.join("")}`, signed],
    request.headers["x-amz-content-sha256"],
  ].join("\n");
  const digest = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, digest].join("\n");
  const hmac = (secret: string | Buffer, data: string) => createHmac("sha256", secret).update(data).digest();
  const signing = ["s3", "aws4_request"].reduce(hmac, hmac(hmac(`AWS4${secretKey}`, day), region ?? ""));
  return hmac(signing, text).toString("hex") === signature;
}
