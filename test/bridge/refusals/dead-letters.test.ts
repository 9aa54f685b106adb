/** What the homeserver refuses for good, and what can't be applied, is kept with its reason, and operators deal with it. */
import { beforeAll, describe, expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { type Room, userActor } from "../../../src/domain/model.ts";
import type { DeadLetter } from "../../../src/domain/ports/matrix.ts";
import { fakeApp } from "../../http/fake-parts.ts";
import type { Client } from "../../http/http-client.ts";
import { faulty, isSend, refusal } from "../faulty.ts";
import { describeBridge, until } from "../world.ts";

const ADMIN = { headers: { Authorization: "Bearer admin secret" } };
const PATH = "/admin/v1/bridge/dead-letters";

describeBridge(
  "dead letters",
  (world) => {
    let admin: Client;
    /** Which requests the homeserver refuses, and how. */
    let refused: (method: string, path: string, text: string) => ReturnType<typeof refusal> | null = () =>
      null;
    const real = () => world.useCases.messages;
    let poison = "";

    beforeAll(async () => {
      admin = fakeApp({ bridgeLetters: createBridgeStore(world.store.sql) });
      await world.bridge.stop();
      const send: ReturnType<typeof real>["send"] = (actor, token, input) =>
        poison !== "" && input.text === poison
          ? Promise.reject(new TypeError("a defect"))
          : real().send(actor, token, input);
      await world.startBridge({
        useCases: { ...world.useCases, messages: { ...real(), send } },
        homeserver: faulty(world.homeserver, async (method, path, ask, { body }) => {
          const { body: text = "" } = (body ?? {}) as { body?: string };
          const error = refused(method, path, text);
          if (error) throw error;
          return await ask();
        }),
      });
    });

    async function letters(room: Room): Promise<DeadLetter[]> {
      const { json, status } = await admin("GET", `${PATH}?room=${room.token}`, ADMIN);
      expect(status).toBe(200);
      return json.items as DeadLetter[];
    }

    async function only(room: Room): Promise<DeadLetter> {
      const [letter, ...more] = await until("there is a letter", async () => {
        const all = await letters(room);
        return all.length > 0 && all;
      });
      expect(more).toEqual([]);
      return letter as DeadLetter;
    }

    const retry = ({ id }: DeadLetter) => admin("POST", `${PATH}/${id}/retry`, ADMIN);

    async function bodies(matrixRoom: string): Promise<string[]> {
      return (await world.bot.texts(matrixRoom)).map((text) => text.replace(/^.*?: /, ""));
    }

    test("a refused message is a line in Matrix, and itself once it is tried again; the next ones go on", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      refused = (_, path, text) =>
        isSend(path) && text.includes("secret") ? refusal(400, "M_BAD_JSON") : null;
      const seq = await world.say(ada, room, "secret plan");
      await world.say(ada, room, "after it");
      await world.mirrored(room);
      const line = "Ada: wrote something that Matrix did not take; it can be read in Causeway";
      expect(await bodies(matrixRoom)).toEqual([line, "after it"]);
      const letter = await only(room);
      expect(letter).toMatchObject({
        ...{ room: room.token, direction: "to_matrix", kind: "message", what: "", seq, matrixEvent: null },
        ...{ errcode: "M_BAD_JSON", reason: expect.stringContaining("400"), retried: false },
      });
      expect(JSON.stringify(letter)).not.toContain("secret plan");

      expect((await retry(letter)).status).toBe(204);
      const again = await until("it was refused again", async () => {
        const [next] = await letters(room);
        return next && next.id !== letter.id && next;
      });
      expect(await bodies(matrixRoom)).toEqual([line, "after it"]);
      refused = () => null;
      await retry(again);
      await until("it is in Matrix", async () => (await bodies(matrixRoom)).includes("secret plan"));
      await world.say(ada, room, "the end");
      await world.mirrored(room);
      expect(await bodies(matrixRoom)).toEqual(["(redacted)", "after it", "secret plan", "the end"]);
      expect(await letters(room)).toEqual([]);
      expect(await world.texts(room)).toEqual(["Ada: secret plan", "Ada: after it", "Ada: the end"]);
    });

    test("a message that was deleted meanwhile is tried no more, and nothing of it is kept", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      refused = (_, path, text) =>
        isSend(path) && text.includes("slip") ? refusal(400, "M_BAD_JSON") : null;
      const seq = await world.say(ada, room, "slip");
      await only(room);
      refused = () => null;
      await world.useCases.messages.remove(userActor(ada), room.token, seq);
      await world.mirrored(room);
      expect(await letters(room)).toEqual([]);
      expect(await bodies(matrixRoom)).toEqual(["(redacted)"]);
    });

    test("a file that the homeserver does not take is named, and sent when it takes it", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      refused = (_, path, text) => (isSend(path) && text === "big.txt" ? refusal(413, "M_TOO_LARGE") : null);
      await world.sayFiles(ada, room, "", { "big.txt": "bytes" });
      await world.mirrored(room);
      const letter = await only(room);
      expect(letter).toMatchObject({ kind: "message", errcode: "M_TOO_LARGE" });
      refused = () => null;
      await retry(letter);
      const sent = await until("the file is in Matrix", async () => {
        const events = await world.bot.timeline(matrixRoom);
        return events.find(({ content }) => content.msgtype === "m.file");
      });
      expect((await world.bot.media(String(sent.content.url))).text).toBe("bytes");
      expect(await letters(room)).toEqual([]);
    });

    test("a change that is refused for good holds nothing up, and is made when it is tried again", async () => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      refused = (method, path) =>
        method === "POST" && path.endsWith("/invite") ? refusal(403, "M_FORBIDDEN") : null;
      await world.useCases.roomLifecycle.addMembers(userActor(ada), room.token, [
        { member: userActor(ben), role: "user" },
      ]);
      await world.say(ada, room, "welcome");
      await world.mirrored(room);
      expect(await bodies(matrixRoom)).toEqual(["welcome"]);
      const letter = await only(room);
      expect(letter).toMatchObject({ kind: "change", what: `joining of u:${ben.id}`, seq: null });
      refused = () => null;
      await retry(letter);
      await until("Ben is invited", async () => {
        const member = await world.bot.state<{ membership: string }>(
          matrixRoom,
          "m.room.member",
          world.ghosts.ofUser(ben.id),
        );
        return member?.membership === "invite";
      });
      await until("the letter is gone", async () => (await letters(room)).length === 0);
    });

    test("what can't be applied is a line in the chat after two tries, and itself once it is tried again", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      poison = "poison";
      const id = await client.say(matrixRoom, "poison");
      await client.say(matrixRoom, "after it");
      await world.untilSaid(room, "Ada: after it");
      const letter = await only(room);
      expect(letter).toMatchObject({
        ...{ direction: "from_matrix", kind: "m.room.message", matrixEvent: id, seq: null },
        ...{ errcode: null, reason: "a defect" },
      });
      poison = "";
      await retry(letter);
      await world.untilSaid(room, "Ada: poison");
      const line = "Ada: wrote something in Matrix that could not be shown here";
      await until("the line is gone", async () => !(await world.texts(room)).includes(line));
      expect(await world.texts(room)).toEqual(["Ada: (deleted)", "Ada: after it", "Ada: poison"]);
      await world.mirrored(room);
      expect(await bodies(matrixRoom)).toEqual(["poison", "after it"]);
      const told = await until("the sender is told", async () => {
        const events = await world.bot.timeline(matrixRoom);
        const status = events.filter(({ type }) => type === "com.beeper.message_send_status");
        return status.length === 2 && status;
      });
      const relation = { rel_type: "m.reference", event_id: id };
      expect(told.map(({ content }) => [content.status, content["m.relates_to"]])).toEqual([
        ["FAIL_PERMANENT", relation],
        ["SUCCESS", relation],
      ]);
    });

    test("a defect of the bridge's own ends as a dead letter and holds its room up no longer", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      const defect = () => {
        throw new TypeError("of nothing");
      };
      refused = (_, path, text) => (isSend(path) && text === "defect" ? defect() : null);
      await world.say(ada, room, "defect");
      await world.say(ada, room, "after it");
      await until("the room waits no more", async () => {
        await world.store.sql`update bridge_rooms set retry_at = 0`;
        return (await bodies(matrixRoom)).includes("after it");
      });
      const letter = await only(room);
      expect(letter.reason).toBe("The bridge's own fault: TypeError: of nothing");
      refused = () => null;
      await retry(letter);
      await until("it is in Matrix", async () => (await bodies(matrixRoom)).includes("defect"));
    });

    test("whoever redacts in Matrix what was put aside takes back the line and the letter", async () => {
      const { room, matrixRoom, client } = await world.meeting();
      poison = "regretted";
      const id = await client.say(matrixRoom, "regretted");
      await only(room);
      await client.redact(matrixRoom, id);
      await world.untilSaid(room, "Ada: (deleted)");
      expect(await letters(room)).toEqual([]);
      poison = "";
    });

    test("the room's figures tell of letters and of what it waits for", async () => {
      const ada = await world.user("Ada");
      const room = await world.group([ada]);
      const matrixRoom = await world.mirrored(room);
      const figures = async () => (await admin("GET", `/admin/v1/bridge/rooms/${room.token}`, ADMIN)).json;
      const { head } = await figures();
      expect(await figures()).toEqual({
        ...{ room: room.token, matrixRoom, mirrored: head, head, inbox: 0, deadLetters: 0 },
        ...{ failures: 0, reason: null },
      });
      refused = (_, path, text) => (isSend(path) && text.includes("bad") ? refusal(400, "M_BAD_JSON") : null);
      await world.say(ada, room, "bad");
      await world.mirrored(room);
      refused = (_, path) => (isSend(path) ? refusal(404, "M_UNRECOGNIZED") : null);
      await world.say(ada, room, "waits");
      await until("the room waits", async () => (await figures()).failures > 0);
      expect(await figures()).toMatchObject({
        ...{ mirrored: head + 1, head: head + 2, deadLetters: 1, reason: "answered 404" },
      });
      await until("operators are told", async () => !(await world.bridge.health()).ok);
      refused = () => null;
      await world.store.sql`update bridge_rooms set retry_at = 0`;
      await world.mirrored(room);
      await until("it is over", async () => (await figures()).reason === null);
      await until("the count is told", async () => world.bridge.stats().deadLetters > 0);
    });

    describe("the list", () => {
      test("is read in pages, and letters are dropped", async () => {
        const ada = await world.user("Ada");
        const room = await world.group([ada]);
        await world.mirrored(room);
        refused = (_, path, text) =>
          isSend(path) && text.includes("bad") ? refusal(400, "M_BAD_JSON") : null;
        for (let n = 0; n < 3; n++) await world.say(ada, room, `bad ${n}`);
        await world.mirrored(room);
        refused = () => null;
        const query = `${PATH}?room=${room.token}&limit=2`;
        const { json: first } = await admin("GET", query, ADMIN);
        const { json: second } = await admin("GET", `${query}&after=${first.next}`, ADMIN);
        expect([first.items.length, second.items.length, second.next]).toEqual([2, 1, null]);
        const [{ id }] = second.items as [DeadLetter];
        expect((await admin("DELETE", `${PATH}/${id}`, ADMIN)).status).toBe(204);
        expect((await letters(room)).length).toBe(2);
        for (const [method, path] of [
          ["DELETE", `${PATH}/${id}`],
          ["POST", `${PATH}/${id}/retry`],
          ["GET", "/admin/v1/bridge/rooms/nowhere1"],
        ] as const)
          expect((await admin(method, path, ADMIN)).status, path).toBe(404);
        await world.useCases.roomLifecycle.delete(userActor(ada), room.token);
        await until("its letters are gone", async () => (await letters(room)).length === 0);
      });

      test("needs ADMIN_TOKEN, and a bridge", async () => {
        expect((await admin("GET", PATH)).status).toBe(401);
        const without = await fakeApp()("GET", PATH, ADMIN);
        expect(without).toMatchObject({ status: 404, json: { error: { code: "not_found" } } });
      });
    });
  },
  { scanMs: 200 },
);
