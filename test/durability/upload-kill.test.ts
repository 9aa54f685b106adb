/** [GW-18.3] `kill -9` of a server in the middle of an upload, which goes on at another server over the same storage. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { expect, test } from "vitest";
import { type S3Server, startS3 } from "../attachments/s3-server.ts";
import { provision } from "../black-box/provision.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { RawClient } from "../gateway/raw-client.ts";
import { describeWith } from "../services/need.ts";

const PART = 1_048_576;
const WHOLE = randomBytes(3 * PART + 17);
const CREDENTIALS = { accessKey: "AK", secretKey: "secret", region: "us-east-1", bucket: "files" };

function rangeOf(first: number, end: number): Record<string, string> {
  return { "Content-Range": `bytes ${first}-${end - 1}/${WHOLE.length}` };
}

async function put(url: string, first: number, end: number) {
  const body = WHOLE.subarray(first, end);
  const answer = await fetch(url, { method: "PUT", body, headers: rangeOf(first, end) });
  return { status: answer.status, range: answer.headers.get("range"), text: await answer.text() };
}

/** Sends half of a part; `lost` resolves when the connection broke. */
async function beginPart(url: string, first: number, end: number): Promise<{ lost: Promise<void> }> {
  const sending = request(url, {
    method: "PUT",
    headers: { ...rangeOf(first, end), "Content-Length": end - first },
  });
  const lost = new Promise<void>((resolve) => sending.once("error", () => resolve()));
  const half = WHOLE.subarray(first, first + (end - first) / 2);
  await new Promise<void>((resolve) => sending.write(half, () => resolve()));
  return { lost };
}

describeWith("postgres", "kill -9 of a server between two parts of an upload", ({ postgres }) => {
  const fleet = serverFleet();

  test("what was taken is there at another server, what was under way counts for nothing, and the file is whole", async () => {
    const s3: S3Server = await startS3(CREDENTIALS);
    try {
      const settings = {
        ...{ DATABASE_URL: postgres.url, REDIS_URL: "memory" },
        ATTACHMENTS_URL: `${s3.origin.replace("//", "//AK:secret@")}/files`,
      };
      const first = await fleet.start(settings);
      const second = await fleet.start(settings);
      const { people, rooms } = await provision(first.url, ["ada"], 1);
      const client = await RawClient.connect(first.url);
      await client.hello(people[0]?.token ?? "");
      const sha256 = createHash("sha256").update(WHOLE).digest("hex");
      const announced = { filename: "a.bin", type: "application/octet-stream", size: WHOLE.length, sha256 };
      const { url, attachment } = await client.ask({ op: "upload", ref: 1, ...announced });
      const here = String(url);
      const there = second.url + here.slice(new URL(here).origin.length);

      expect(await put(here, 0, PART)).toMatchObject({ status: 308, range: `bytes=0-${PART - 1}` });
      const underWay = await beginPart(here, PART, 2 * PART);
      await first.kill9();
      await underWay.lost;
      await client.closed;

      const head = await fetch(there, { method: "HEAD" });
      expect([head.status, head.headers.get("range")]).toEqual([308, `bytes=0-${PART - 1}`]);
      expect((await put(there, PART, 2 * PART)).status).toBe(308);
      // A kill between a part and the last one, too: the first server is back, the second dies.
      const back = await fleet.start(first.settings);
      await second.kill9();
      const last = await put(
        back.url + new URL(here).pathname + new URL(here).search,
        2 * PART,
        WHOLE.length,
      );
      expect(last.status, last.text).toBe(200);

      const again = await RawClient.connect(back.url);
      await again.hello(people[0]?.token ?? "");
      const room = rooms[0]?.token ?? "";
      again.say({ op: "send", ref: 2, room, id: "m1", text: "", attachments: [attachment] });
      const event = await again.next(({ op, type }) => op === "event" && type === "message");
      const [file] = (event.data as { attachments: { url: string; size: number }[] }).attachments;
      expect(file?.size).toBe(WHOLE.length);
      const bytes = Buffer.from(await (await fetch(file?.url ?? "")).arrayBuffer());
      expect(bytes.equals(WHOLE)).toBe(true);
      again.socket.close();
      await once(again.socket, "close");
    } finally {
      await s3.close();
    }
  }, 120_000);
});
