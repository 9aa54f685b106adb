/** Files from Matrix whose key stands in their event. */
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { decrypted, encryptedFileOf } from "../../../bridge/mapping/encrypted-file.ts";
import { type EventData, type Room, type User, userActor } from "../../../src/domain/model.ts";
import { pagesForFiles } from "../faulty.ts";
import type { MatrixUser } from "../matrix-user.ts";
import { describeBridge } from "../world.ts";

const unpadded = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");

/** Encrypts as clients do. */
function encrypt(content: Buffer) {
  const [key, iv] = [randomBytes(32), Buffer.concat([randomBytes(8), Buffer.alloc(8)])];
  const secret = createCipheriv("aes-256-ctr", key, iv).update(content);
  const sha256 = unpadded(createHash("sha256").update(secret).digest());
  const jwk = { kty: "oct", alg: "A256CTR", ext: true, key_ops: ["encrypt", "decrypt"] };
  const file = {
    v: "v2",
    key: { ...jwk, k: key.toString("base64url") },
    iv: unpadded(iv),
    hashes: { sha256 },
  };
  return { secret, file };
}

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
}

test("bytes are decrypted as they come, whatever the pieces, and another hash fails at the end", async () => {
  const content = randomBytes(100_003);
  const { secret, file } = encrypt(content);
  const read = async (bytes: Buffer) => {
    const known = encryptedFileOf({ ...file, url: "mxc://x/y" });
    if (!known) throw new Error("the key was not read");
    const stream = decrypted(ReadableStream.from(inPieces(bytes, 777)), known);
    return Buffer.from(await new Response(stream).arrayBuffer());
  };
  expect((await read(secret)).equals(content)).toBe(true);
  await expect(read(Buffer.concat([secret, Buffer.from("!")]))).rejects.toThrow("another hash");
});

test.each([
  ["no object", null],
  ["no key", { v: "v2", url: "mxc://x/y" }],
  ["a short key", { key: { kty: "oct", alg: "A256CTR", k: "c2hvcnQ" } }],
  ["another algorithm", { key: { kty: "oct", alg: "A128CBC", k: unpadded(randomBytes(32)) } }],
  ["no hash", { hashes: {} }],
  ["another version", { v: "v9" }],
])("no key is read from %s", (_what, more) => {
  const whole = { url: "mxc://x/y", ...encrypt(Buffer.from("a")).file };
  expect(encryptedFileOf(whole)).not.toBeNull();
  expect(encryptedFileOf(more === null ? null : "url" in more ? more : { ...whole, ...more })).toBeNull();
});

describeBridge("encrypted files from Matrix", (world) => {
  const sized = { mimetype: "text/plain", size: 8 };
  async function sendEncrypted(
    client: MatrixUser,
    matrixRoom: string,
    more: object = {},
    info: object = sized,
  ) {
    const { secret, file } = encrypt(Buffer.from("a secret"));
    const url = await client.upload(new Blob([secret], { type: "application/octet-stream" }), "secret");
    const content = { msgtype: "m.file", body: "plan.txt" };
    await client.say(matrixRoom, { ...content, info, file: { ...file, url, ...more } });
  }
  const lastFile = async (room: Room) => {
    const event = (await world.events(room)).findLast(({ type }) => type === "message");
    return (JSON.parse(event?.dataJson ?? "{}") as EventData["message"]).attachments?.[0];
  };
  const bytes = async (reader: User, id = "") =>
    await new Response(await world.useCases.attachments.open(userActor(reader), id)).text();

  test("come decrypted; sent on in the chat, they go to Matrix as what they are", async () => {
    const { ada, ben, room, matrixRoom, client } = await world.meeting();
    await sendEncrypted(client, matrixRoom);
    await world.untilSaid(room, "Ada: plan.txt");
    const file = await lastFile(room);
    expect(file).toMatchObject({ filename: "plan.txt", type: "text/plain", size: 8 });
    expect(await bytes(ben, file?.id)).toBe("a secret");
    const seq = (await world.events(room)).findLast(({ type }) => type === "message")?.seq ?? 0;
    await world.useCases.messages.send(userActor(ada), room.token, {
      ...{ id: "forwarded", text: "" },
      forward: { room: room.token, seq },
    });
    await world.mirrored(room);
    const sent = (await world.bot.timeline(matrixRoom)).findLast(({ type }) => type === "m.room.message");
    expect((await world.bot.media(String(sent?.content.url))).text).toBe("a secret");
  });

  test("whose hash or key is wrong are one line that says so, and leave nothing behind", async () => {
    const { ada, room, matrixRoom, client } = await world.meeting();
    await sendEncrypted(client, matrixRoom, { hashes: { sha256: unpadded(randomBytes(32)) } });
    await sendEncrypted(client, matrixRoom, { key: { kty: "oct", alg: "A256CTR", k: "c2hvcnQ" } });
    await client.say(matrixRoom, "after them");
    await world.untilSaid(room, "Ada: after them");
    const line = "Ada: sent an encrypted file whose key or hash is wrong: plan.txt";
    expect(await world.texts(room)).toEqual([line, line, "Ada: after them"]);
    expect((await world.useCases.attachments.list(userActor(ada), { limit: 10 })).attachments).toEqual([]);
  });

  test.each([sized, {}])(
    "in whose stead a proxy gives a page come later; their event says of their size: %j",
    async (info) => {
      await world.bridge.stop();
      await world.startBridge({ homeserver: pagesForFiles(world.homeserver, 1) });
      const { ben, room, matrixRoom, client } = await world.meeting();
      await sendEncrypted(client, matrixRoom, {}, info);
      await world.untilSaid(room, "Ada: plan.txt");
      expect(await bytes(ben, (await lastFile(room))?.id)).toBe("a secret");
    },
  );
});
