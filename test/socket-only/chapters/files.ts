/** Files: their bytes go by the URLs that the socket gives. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { uploadFile } from "../../../src/client/commands/uploads.ts";
import type { Story } from "../story.ts";

const MIB = 1_048_576;

/** An upload goes on where it was when the connection broke; the file is what was sent. */
export async function sendingFiles({ stage, phone, bens, rooms: { team = "" } }: Story): Promise<void> {
  const film = Uint8Array.from({ length: 2 * MIB + 7 }, (_, n) => n % 251);
  let parts = 0;
  stage.recorder.breaks = (method) => method === "PUT" && ++parts === 2;
  const progress: number[] = [];
  const onProgress = (sent: number) => void progress.push(sent);
  const sha256 = createHash("sha256").update(film).digest("hex");
  const announced = { filename: "film.mp4", type: "video/mp4", room: team, sha256, onProgress };
  const { id } = await uploadFile(phone.client, { file: film, ...announced });
  stage.recorder.breaks = () => false;
  expect(progress.at(-1)).toBe(film.byteLength);
  expect(parts).toBeGreaterThanOrEqual(3);
  const note = new File(["bread, cheese"], "list.txt", { type: "text/plain" });
  const { id: noteId } = await uploadFile(phone.client, { file: note });
  const { seq } = await phone.client.send({ room: team, text: "A film", attachments: [id, noteId] });
  await bens.until("the film", () => bens.client.room(team).getSnapshot()?.last?.seq === seq);
  const files = bens.client.room(team).getSnapshot()?.last?.data.attachments as { url: string }[];
  const [first, second] = await Promise.all(files.map(async ({ url }) => await bytesOf(await fetch(url))));
  expect(
    createHash("sha256")
      .update(first ?? "")
      .digest("hex"),
  ).toBe(sha256);
  expect(new TextDecoder().decode(second)).toBe("bread, cheese");
  const part = await fetch(files[0]?.url ?? "", { headers: { Range: "bytes=5-8" } });
  expect([part.status, [...(await bytesOf(part))]]).toEqual([206, [5, 6, 7, 8]]);
}

/** Files are found by what they are, renamed, and taken out of their message by its author. */
export async function takingFilesBack({ phone, bens, rooms: { team = "" } }: Story): Promise<void> {
  const found = async () => (await bens.client.search({ text: "", has: "file", room: team })).hits[0]?.event;
  const film = await found();
  const [kept, gone] = (film?.data.attachments ?? []) as { id: string; url: string }[];
  const other = { attachment: gone?.id ?? "", filename: "shopping.txt" };
  expect(await phone.client.fileRename(other)).toMatchObject({ attachment: { filename: "shopping.txt" } });
  expect((await found())?.data.attachments).toMatchObject([{}, { id: gone?.id, filename: "shopping.txt" }]);
  await phone.client.edit({ room: team, seq: film?.seq ?? 0, text: "A film", attachments: [kept?.id ?? ""] });
  await expect.poll(async () => (await fetch(gone?.url ?? "")).status).toBe(404);
  expect((await fetch(kept?.url ?? "")).status).toBe(200);
}

async function bytesOf(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer());
}
