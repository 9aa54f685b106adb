/** Files from Matrix on their way to the chat. */
import { expect, test } from "vitest";
import { DomainError } from "../../src/domain/errors.ts";
import { MAX_ATTACHMENT_BYTES } from "../../src/domain/files/file-rules.ts";
import { type EventData, type Room, type User, userActor, userKey } from "../../src/domain/model.ts";
import { refusal } from "./faulty.ts";
import type { MatrixUser } from "./matrix-user.ts";
import { describeBridge, until } from "./world.ts";

describeBridge(
  "files from Matrix to the chat",
  (world) => {
    async function sendFile(client: MatrixUser, matrixRoom: string, content: Blob, more: object = {}) {
      const url = await client.upload(content, "upload.bin");
      const body = { msgtype: "m.file", body: "notes.txt", url, info: { size: content.size }, ...more };
      return await client.say(matrixRoom, body);
    }
    async function lastMessage(room: Room) {
      const event = (await world.events(room)).findLast(({ type }) => type === "message");
      return { seq: event?.seq ?? 0, ...(JSON.parse(event?.dataJson ?? "{}") as EventData["message"]) };
    }
    async function bytes(reader: User, id = "") {
      return await new Response(await world.useCases.attachments.open(userActor(reader), id)).text();
    }

    /** No file is on its way to the room any more. */
    async function untilArrived(room: Room): Promise<void> {
      await until("all files have arrived", async () =>
        (await world.texts(room)).every((text) => !text.includes("(arriving)")),
      );
    }

    test("a file is its sender's attachment, named as in Matrix, and is not sent back", async () => {
      const { ada, ben, room, matrixRoom, client } = await world.meeting();
      await sendFile(client, matrixRoom, new Blob(["from Matrix"], { type: "text/plain" }));
      await world.untilSaid(room, "Ada: notes.txt");
      const { attachments = [], seq } = await lastMessage(room);
      expect(attachments).toMatchObject([{ filename: "notes.txt", type: "text/plain", size: 11 }]);
      expect(await bytes(ben, attachments[0]?.id)).toBe("from Matrix");
      const view = await world.useCases.attachments.get(userActor(ada), attachments[0]?.id ?? "");
      expect(view.place).toEqual({ roomId: room.id, seq });
      await world.say(ben, room, "thanks", { replyTo: seq });
      await world.mirrored(room);
      const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*?: /, ""));
      expect(bodies).toEqual(["notes.txt", "thanks"]);
    });

    test("a caption is the text, also edited; the type is told by the bytes, whatever is claimed", async () => {
      const { ben, room, matrixRoom, client } = await world.meeting();
      const html = new Blob(["<script>alert(1)</script>"], { type: "image/png" });
      const more = {
        msgtype: "m.image",
        body: "look at this",
        filename: "../pic\u0007/x.html",
        info: { mimetype: "image/png" },
      };
      const id = await sendFile(client, matrixRoom, html, more);
      await world.untilSaid(room, "Ada: look at this");
      const [file] = (await lastMessage(room)).attachments ?? [];
      expect(file).toMatchObject({ filename: ".._pic__x.html", type: "text/html" });
      expect(await bytes(ben, file?.id)).toContain("<script>");
      await client.say(matrixRoom, {
        ...{ msgtype: "m.image", body: "* look" },
        "m.new_content": { ...more, body: "look", url: "mxc://x/y" },
        "m.relates_to": { rel_type: "m.replace", event_id: id },
      });
      await world.untilSaid(room, "Ada: look");
      expect((await lastMessage(room)).attachments).toHaveLength(1);
    });

    test("redacted in Matrix, message and file are gone; deleted in the chat, the event is redacted", async () => {
      const { ada, ben, room, matrixRoom, client } = await world.meeting();
      const first = await sendFile(client, matrixRoom, new Blob(["one"]), { body: "one.txt" });
      await world.untilSaid(room, "Ada: one.txt");
      const [one] = (await lastMessage(room)).attachments ?? [];
      await client.redact(matrixRoom, first);
      await world.untilSaid(room, "Ada: (deleted)");
      await expect(bytes(ben, one?.id)).rejects.toThrow("no such attachment");
      const second = await sendFile(client, matrixRoom, new Blob(["two"]), { body: "two.txt" });
      await world.untilSaid(room, "Ada: two.txt");
      const [two] = (await lastMessage(room)).attachments ?? [];
      await world.useCases.attachments.delete(userActor(ada), two?.id ?? "");
      await world.mirrored(room);
      const event = (await client.timeline(matrixRoom)).find(({ event_id }) => event_id === second);
      expect(event?.unsigned?.redacted_because).toBeDefined();
    });

    test("people from elsewhere send files as their own", async () => {
      const { ben, room, matrixRoom, client } = await world.meeting();
      const mel = await world.stranger();
      await client.ask("POST", `rooms/${encodeURIComponent(matrixRoom)}/invite`, { user_id: mel.id });
      await mel.join(matrixRoom);
      await sendFile(mel, matrixRoom, new Blob(["by Mel"]), { body: "mel.txt" });
      await world.untilSaid(room, `${mel.id.slice(1).split(":")[0]}: mel.txt`);
      expect(await bytes(ben, (await lastMessage(room)).attachments?.[0]?.id)).toBe("by Mel");
    });

    test("what is too large, without a key, empty, unknown or no address is named with its address", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      const large = new Blob([new Uint8Array(MAX_ATTACHMENT_BYTES + 1)]);
      const url = await client.upload(large, "large.bin");
      const say = (content: object) => client.say(matrixRoom, { msgtype: "m.file", ...content });
      await say({ body: "told.bin", url, info: { size: large.size } });
      await say({ body: "lied.bin", url, info: { size: 5 } });
      await say({ body: "secret.bin", file: { url: "mxc://localhost/secret" } });
      await say({ body: "gone.bin", url: "mxc://localhost/gone" });
      await say({ body: "odd.bin", url: "mxc://localhost/../../admin" });
      await say({ body: "web.bin", url: "http://127.0.0.1/" });
      await say({ body: "last" });
      await world.untilSaid(room, "Ada: last");
      await untilArrived(room);
      const lost = "Ada: sent a file that did not arrive:";
      expect(await world.texts(room)).toEqual([
        `Ada: told.bin (${url})`,
        `${lost} lied.bin (${url})`,
        "Ada: sent an encrypted file whose key or hash is wrong: secret.bin",
        `${lost} gone.bin (mxc://localhost/gone)`,
        `${lost} odd.bin (mxc://localhost/../../admin)`,
        `${lost} web.bin (http://127.0.0.1/)`,
        "Ada: last",
      ]);
      for (const { dataJson } of await world.events(room)) expect(dataJson).not.toContain("attachments");
    });

    test("what is beyond the bound on its sender's files is named with its address", async () => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      const { sql } = world.store;
      await sql`insert into file_usage (key, bytes) values (${userKey(ada.id)}, ${2 ** 30 - 3})`;
      const url = await client.upload(new Blob(["four"]), "four.txt");
      await client.say(matrixRoom, { msgtype: "m.file", body: "four.txt", url });
      await sendFile(client, matrixRoom, new Blob(["one"]), { body: "three.txt" });
      await world.untilSaid(room, "Ada: three.txt");
      await untilArrived(room);
      expect(await world.texts(room)).toEqual([
        `Ada: sent a file that did not arrive: four.txt (${url})`,
        "Ada: three.txt",
      ]);
    });

    test("a download that fails is tried again; one that goes on failing leaves the name", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      await world.bridge.stop();
      const failing = new Set<string>();
      let failures = 0;
      const stream: typeof world.homeserver.stream = async (method, path, options) => {
        const once = failures === 0;
        if (once || [...failing].some((id) => path.endsWith(id))) {
          failures++;
          throw refusal(502, "M_UNKNOWN");
        }
        return await world.homeserver.stream(method, path, options);
      };
      await world.startBridge({ homeserver: { ...world.homeserver, stream }, fileTries: 3 });
      await sendFile(client, matrixRoom, new Blob(["ok"]), { body: "ok.txt" });
      await world.untilSaid(room, "Ada: ok.txt");
      expect((await lastMessage(room)).attachments).toHaveLength(1);
      const url = await client.upload(new Blob(["never"]), "never.txt");
      failing.add(url.split("/").at(-1) ?? "");
      await client.say(matrixRoom, { msgtype: "m.file", body: "never.txt", url });
      await world.untilSaid(room, `Ada: sent a file that did not arrive: never.txt (${url})`);
      expect(failures).toBe(4);
      await world.bridge.stop();
      await world.startBridge();
    });

    test("killed between keeping the file and the message, or the message and storing it: one message, one file", async () => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      const { messages } = world.useCases;
      const busy = () => new DomainError("busy", "as if killed", { retryAfterMs: 50 });
      const tries: string[] = [];
      const send: typeof messages.send = async (actor, token, input) => {
        tries.push(input.attachments?.join() ?? "");
        if (tries.length === 1) throw busy();
        const result = await messages.send(actor, token, input);
        if (tries.length === 2) throw busy();
        return result;
      };
      await world.bridge.stop();
      await world.startBridge({ useCases: { ...world.useCases, messages: { ...messages, send } } });
      await sendFile(client, matrixRoom, new Blob(["once"]), { body: "once.txt" });
      await until("it was tried three times", async () => tries.length === 3);
      await client.say(matrixRoom, "after it");
      await world.untilSaid(room, "Ada: after it");
      await untilArrived(room);
      expect(await world.texts(room)).toEqual(["Ada: once.txt", "Ada: after it"]);
      const page = await world.useCases.attachments.list(userActor(ada), { limit: 10 });
      expect(page.attachments).toHaveLength(1);
    });
  },
  { scanMs: 300 },
);
