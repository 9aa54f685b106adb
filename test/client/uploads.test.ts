/** Uploads by the SDK, against a server of our own that loses what it is told to lose. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type Announcer, UploadRefused, uploadFile } from "../../src/client/commands/uploads.ts";

const MIB = 1_048_576;

/** Takes parts as PROTOCOL.md, section 18, says. */
async function receiver(misbehave: (request: IncomingMessage, n: number) => "drop" | number | null) {
  const seen: string[] = [];
  let received = Buffer.alloc(0);
  let size = 0;
  let requests = 0;
  const answer = (response: ServerResponse, status: number, body = "") => {
    const range = received.length > 0 ? { Range: `bytes=0-${received.length - 1}` } : {};
    response.writeHead(status, range).end(body);
  };
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    const range = headers["content-range"];
    seen.push(`${method} ${range ?? ""}`.trim());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (method === "HEAD") return answer(response, received.length === size ? 200 : 308);
    const wrong = misbehave(request, ++requests);
    if (typeof wrong === "number") return answer(response, wrong);
    const first = Number(/^bytes (\d+)-/.exec(range ?? "")?.[1] ?? 0);
    if (first === received.length) received = Buffer.concat([received, ...chunks]);
    if (wrong === "drop") return void request.socket.destroy();
    if (received.length === size) answer(response, 200, JSON.stringify({ id: "a", size }));
    else answer(response, 308);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const announced: object[] = [];
  const announce: Announcer["upload"] = async (fields) => {
    announced.push(fields);
    size = fields.size;
    return { attachment: "a", url, method: "PUT", headers: { "Content-Type": "application/octet-stream" } };
  };
  return { announce, announced, seen, bytes: () => received };
}
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const content = Uint8Array.from({ length: 2 * MIB + 7 }, (_, n) => n % 251);

test("a file goes in parts, with progress, and tells its name and type", async () => {
  const { announce, announced, seen, bytes } = await receiver(() => null);
  const progress: number[] = [];
  const file = new File([content], "film.mp4", { type: "video/mp4" });
  const done = await uploadFile(
    { upload: announce },
    {
      file,
      room: "k3p9xq2a",
      onProgress: (sent) => progress.push(sent),
    },
  );
  expect(done).toEqual({ id: "a", size: content.length });
  expect(announced).toEqual([
    { filename: "film.mp4", type: "video/mp4", size: content.length, room: "k3p9xq2a" },
  ]);
  expect(Buffer.compare(bytes(), content)).toBe(0);
  expect(progress).toEqual([MIB, 2 * MIB, content.length]);
  expect(seen).toHaveLength(3);
});

test("a part whose answer was lost is not sent again; one that was refused for now is", async () => {
  const { announce, seen, bytes } = await receiver((_, n) => (n === 1 ? "drop" : n === 3 ? 503 : null));
  const progress: number[] = [];
  await uploadFile(
    { upload: announce },
    { file: content, filename: "a.bin", onProgress: (sent) => progress.push(sent) },
  );
  expect(Buffer.compare(bytes(), content)).toBe(0);
  const size = content.length;
  const second = `PUT bytes ${MIB}-${2 * MIB - 1}/${size}`;
  const last = `PUT bytes ${2 * MIB}-${size - 1}/${size}`;
  expect(seen).toEqual([`PUT bytes 0-${MIB - 1}/${size}`, "HEAD", second, last, "HEAD", last]);
  expect(progress).toEqual([2 * MIB, size]);
});

test("what the server will not take rejects at once", async () => {
  const { announce, seen } = await receiver(() => 422);
  const upload = uploadFile({ upload: announce }, { file: content });
  await expect(upload).rejects.toBeInstanceOf(UploadRefused);
  await expect(upload).rejects.toMatchObject({ status: 422 });
  expect(seen).toHaveLength(1);
});

test("an app that gives up is told its own reason, and nothing more is sent", async () => {
  const abort = new AbortController();
  const { announce, seen } = await receiver(() => null);
  const reason = new Error("the user changed their mind");
  const upload = uploadFile(
    { upload: announce },
    {
      ...{ file: content, signal: abort.signal },
      onProgress: () => abort.abort(reason),
    },
  );
  await expect(upload).rejects.toBe(reason);
  expect(seen).toHaveLength(1);
});
