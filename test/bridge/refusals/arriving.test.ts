/** Files from Matrix that come late or never hold no room up: their messages are there at once, and are edited. */
import { expect, test } from "vitest";
import { type EventData, type Room, userActor } from "../../../src/domain/model.ts";
import { pagesForFiles } from "../faulty.ts";
import { describeBridge, until, type World } from "../world.ts";

const MESSAGE = { msgtype: "m.file", body: "plan.txt" };
const ARRIVING = "Ada: sent a file (arriving): plan.txt";

async function lastMessage(world: World, room: Room) {
  const messages = (await world.events(room)).filter(({ type }) => type === "message");
  return JSON.parse(messages.at(-1)?.dataJson ?? "{}") as EventData["message"];
}

/** The homeserver, whose downloads of these media ids wait until they may go on. */
function slowMedia(world: World) {
  const gates = new Map<string, Promise<void>>();
  const stream: World["homeserver"]["stream"] = async (method, path, options) => {
    const gate = [...gates].find(([id]) => path.endsWith(id))?.[1];
    const ended = new Promise<void>((resolve) => {
      options.signal?.addEventListener("abort", () => resolve());
    });
    await Promise.race([gate, ...(gate ? [ended] : [])]);
    return await world.homeserver.stream(method, path, options);
  };
  const hold = (mxc: string) => {
    let open = () => {};
    gates.set(mxc.split("/").at(-1) ?? "", new Promise<void>((resolve) => (open = resolve)));
    return () => open();
  };
  return { homeserver: { ...world.homeserver, stream }, hold };
}

describeBridge(
  "files that arrive late",
  (world) => {
    /** An address under which nothing is uploaded yet. */
    async function announced(client: { id: string }, token: string): Promise<string> {
      const answer = await fetch(`${world.homeserver.baseUrl}/_matrix/media/v1/create`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
      });
      expect(answer.status, client.id).toBe(200);
      return ((await answer.json()) as { content_uri: string }).content_uri;
    }

    test("fourteen files that nobody uploads stop neither their room nor another; one that comes is in its message", async () => {
      const { ben, room, matrixRoom, client } = await world.meeting();
      const other = await world.meeting();
      const token = world.registration.asToken;
      const urls = [];
      for (let n = 0; n < 14; n++) urls.push(await announced(client, `${token}`));
      for (const url of urls) await client.say(matrixRoom, { ...MESSAGE, url });
      await client.say(matrixRoom, "after them");
      await other.client.say(other.matrixRoom, "elsewhere");
      await world.untilSaid(other.room, "Ada: elsewhere");
      await world.untilSaid(room, "Ada: after them");
      const texts = await world.texts(room);
      expect(texts.filter((text) => text === ARRIVING)).toHaveLength(14);

      const [, server, id] = /^mxc:\/\/(.*)\/(.*)$/.exec(urls[13] ?? "") ?? [];
      const put = await fetch(
        `${world.homeserver.baseUrl}/_matrix/media/v3/upload/${server}/${id}?filename=plan.txt`,
        { method: "PUT", headers: { authorization: `Bearer ${token}` }, body: "the plan" },
      );
      expect(put.status, await put.text()).toBe(200);
      await world.untilSaid(room, "Ada: plan.txt");
      const after = await world.texts(room);
      expect(after.slice(0, 13)).toEqual(Array(13).fill(ARRIVING));
      const message = (await world.events(room)).find(({ dataJson }) => dataJson.includes("attachments"));
      const [file] = (JSON.parse(message?.dataJson ?? "{}") as EventData["message"]).attachments ?? [];
      const bytes = await world.useCases.attachments.open(userActor(ben), file?.id ?? "");
      expect(await new Response(bytes).text()).toBe("the plan");
      await world.mirrored(room);
      const bodies = (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*?: /, ""));
      expect(bodies, "nothing of it is sent back").toEqual([...Array(14).fill("plan.txt"), "after them"]);
    });

    test("what the author makes of the message meanwhile stays, and a deleted one gets no file", async () => {
      await world.bridge.stop();
      const { homeserver, hold } = slowMedia(world);
      await world.startBridge({ homeserver });
      const { ada, room, matrixRoom, client } = await world.meeting();
      const [edited, deleted] = [
        await client.upload(new Blob(["one"]), "plan.txt"),
        await client.upload(new Blob(["two"]), "plan.txt"),
      ];
      const open = [hold(edited), hold(deleted)];
      await client.say(matrixRoom, { ...MESSAGE, url: edited });
      await client.say(matrixRoom, { ...MESSAGE, url: deleted });
      await client.say(matrixRoom, "after them");
      await world.untilSaid(room, "Ada: after them");
      const messages = (await world.events(room)).filter(({ type }) => type === "message");
      const [first = 0, second = 0] = messages.map(({ seq }) => seq);
      const { messages: use } = world.useCases;
      await use.edit(userActor(ada), room.token, first, { text: "look at this" });
      await use.remove(userActor(ada), room.token, second);
      await world.mirrored(room);
      for (const go of open) go();
      await until("the first has its file", async () => {
        const event = await world.store.log.event(room.id, first);
        return event?.dataJson.includes("attachments");
      });
      await until("nothing is on its way", async () => {
        const { sql } = world.store;
        return (await sql`select from bridge_arriving where conversation_id = ${room.id}`).length === 0;
      });
      expect(await world.texts(room)).toEqual(["Ada: look at this", "Ada: (deleted)", "Ada: after them"]);
      const page = await world.useCases.attachments.list(userActor(ada), { room: room.token, limit: 10 });
      expect(page.attachments.map(({ size }) => size)).toEqual([3]);
    });

    test.each(["left", "was deleted"])("the sentence ends also when its author %s meanwhile", async (how) => {
      await world.bridge.stop();
      const { homeserver, hold } = slowMedia(world);
      await world.startBridge({ homeserver });
      const { ada, ben, room, matrixRoom, client } = await world.meeting();
      const url = await client.upload(new Blob(["late"]), "plan.txt");
      const open = hold(url);
      await client.say(matrixRoom, { ...MESSAGE, url });
      await world.untilSaid(room, ARRIVING);
      const { roomLifecycle, directory } = world.useCases;
      if (how === "left") await roomLifecycle.leave(userActor(ada), room.token);
      else await directory.deleteUser(ada.id);
      open();
      const ended = (text: string) => text.includes(`sent a file that did not arrive: plan.txt (${url})`);
      await until("the sentence ended", async () => (await world.texts(room)).some(ended));
      expect((await lastMessage(world, room)).attachments ?? []).toEqual([]);
      const page = await world.useCases.attachments.list(userActor(ben), { room: room.token, limit: 10 });
      expect(page.attachments).toEqual([]);
    });

    test("a file that was on its way when the worker was killed is fetched by the next", async () => {
      await world.bridge.stop();
      const { homeserver, hold } = slowMedia(world);
      await world.startBridge({ homeserver });
      const { room, matrixRoom, client } = await world.meeting();
      const url = await client.upload(new Blob(["late"]), "plan.txt");
      hold(url);
      await client.say(matrixRoom, { ...MESSAGE, url });
      await world.untilSaid(room, ARRIVING);
      await world.bridge.stop();
      await world.startBridge();
      await world.untilSaid(room, "Ada: plan.txt");
      expect((await lastMessage(world, room)).attachments).toMatchObject([{ filename: "plan.txt", size: 4 }]);
    });

    test("a proxy's page in a file's stead is not taken for the file, which comes later", async () => {
      await world.bridge.stop();
      await world.startBridge({ homeserver: pagesForFiles(world.homeserver, 2) });
      const { room, matrixRoom, client } = await world.meeting();
      const url = await client.upload(new Blob(["the plan"]), "plan.txt");
      await client.say(matrixRoom, { ...MESSAGE, url, info: { size: 8 } });
      await world.untilSaid(room, "Ada: plan.txt");
      expect((await lastMessage(world, room)).attachments).toMatchObject([{ filename: "plan.txt", size: 8 }]);
    });
  },
  { scanMs: 300 },
);

describeBridge(
  "files that never arrive",
  (world) => {
    test("become a sentence, with the caption that they had", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      const create = `${world.homeserver.baseUrl}/_matrix/media/v1/create`;
      const headers = { authorization: `Bearer ${world.registration.asToken}` };
      const answer = await fetch(create, { method: "POST", headers });
      const { content_uri: url } = (await answer.json()) as { content_uri: string };
      await client.say(matrixRoom, { ...MESSAGE, body: "read this", filename: "plan.txt", url });
      await world.untilSaid(room, "Ada: read this\nsent a file (arriving): plan.txt");
      await world.untilSaid(room, `Ada: read this\nsent a file that did not arrive: plan.txt (${url})`);
      expect((await lastMessage(world, room)).attachments).toBeUndefined();
      await until("nothing is on its way", async () => {
        return (await world.store.sql`select from bridge_arriving`).length === 0;
      });
    });

    test.each([3, 30])("one of whose size its client says %s is taken as it is, at last", async (size) => {
      const { room, matrixRoom, client } = await world.meeting();
      const url = await client.upload(new Blob(["the plan"]), "plan.txt");
      await client.say(matrixRoom, { ...MESSAGE, url, info: { size } });
      await world.untilSaid(room, ARRIVING);
      await world.untilSaid(room, "Ada: plan.txt");
      expect((await lastMessage(world, room)).attachments).toMatchObject([{ filename: "plan.txt", size: 8 }]);
    });
  },
  { scanMs: 300, fileTries: 3 },
);
