/** `/v1/messages` (reference §D). */
import { beforeAll, describe, expect, test } from "vitest";
import { protocolMessageId, protocolMessagePlace } from "../../src/domain/ids.ts";
import { describeProtocol, ID, idsOf, ROOM, refusal, SECONDS, type Someone } from "./api.ts";

describeProtocol("Protocol's messages", (place) => {
  let kate: Someone;
  let hank: Someone;
  let eve: Someone;
  /** Of Kate (its owner) and Hank. */
  let room: string;

  beforeAll(async () => {
    [kate, hank, eve] = await Promise.all([place.person(), place.person(), place.person()]);
    room = (await kate.post("/groups", { name: "Team", contacts: [hank.publicId] })).json.conversation_id;
  });

  async function say(who: Someone, message = "Hello", more: object = {}) {
    const answer = await who.post("/messages", { conversation_id: room, message, ...more });
    return { answer, json: answer.json, path: `/messages/${answer.json.id}` };
  }
  const tokenOf = async (publicId: string) =>
    (await place.useCases.finding.view(kate.actor, { publicId })).room.token;

  describe("sending", () => {
    test("[D.1] conversation_id and message are enough: 201, with the sender, and updated_at null", async () => {
      const { status, json, headers } = await kate.post(
        "/messages",
        `conversation_id=${room}&message=Hi%20there`,
      );
      expect({ status, json }).toEqual({
        status: 201,
        json: {
          id: ID,
          conversation_id: room,
          room: ROOM,
          seq: protocolMessagePlace(json.id)?.seq,
          contact: {
            id: kate.publicId,
            username: kate.handle,
            phone_number: null,
            avatar_url: null,
            last_active_at: expect.toSatisfy((at) => at === null || Number.isInteger(at)),
            created_at: SECONDS,
          },
          message: "Hi there",
          reactions: [],
          attachments: [],
          read_at: null,
          created_at: SECONDS,
          updated_at: null,
        },
      });
      expect(headers.get("location")).toBe(`/v1/messages/${json.id}`);
    });

    test("the sender is shown as the reader's contact", async () => {
      const entry = { username: kate.handle, phone_number: "1-800", avatar_url: "https://a.example/k.png" };
      await hank.post("/contacts", entry);
      const { path } = await say(kate);
      expect((await hank.get(path)).json.contact).toMatchObject({ id: kate.publicId, ...entry });
      expect((await kate.get(path)).json.contact).toMatchObject({ phone_number: null });
    });

    test("a guest or a Matrix user is a sender without an id", async () => {
      const token = await tokenOf(room);
      const actor = { kind: "matrix" as const, id: "@a:example.org", name: "Ada 🛰" };
      const system = { kind: "system" as const, id: "causeway", name: "Causeway" };
      await place.useCases.roomLifecycle.addMembers(system, token, [{ member: actor, role: "user" }]);
      await place.useCases.messages.send(actor, token, { id: "m1", text: "from afar" });
      const [json] = (await kate.get(`/messages?conversation_id=${room}&limit=1`)).json.data;
      expect(json).toMatchObject({
        message: "from afar",
        contact: { id: null, username: "Ada 🛰", created_at: null },
      });
    });

    test.each([
      "🚒👩‍🚒",
      "مرحبا \u202eabc",
      "e\u0301 é",
      "a\nb\tc",
      "<script>alert(1)</script>",
      "+%&=[]",
      " x ",
    ])("the text %j survives, as JSON and as a form", async (text) => {
      expect((await say(kate, text)).json.message).toBe(text);
      const form = `conversation_id=${room}&message=${encodeURIComponent(text)}`;
      const { json } = await kate.post("/messages", form);
      expect((await hank.get(`/messages/${json.id}`)).json.message).toBe(text);
    });

    test("16,000 characters are fine, as emoji and as a form too; more or none are 400", async () => {
      const longest = "🚒".repeat(16_000);
      const form = `conversation_id=${room}&message=${encodeURIComponent(longest)}`;
      expect((await kate.post("/messages", form)).json.message).toBe(longest);
      for (const text of ["x".repeat(16_001), ""]) {
        expect((await say(kate, text)).answer).toMatchObject(
          refusal(400, expect.stringContaining("message")),
        );
      }
    });

    test("[D.1] conversation_id and message are required", async () => {
      expect(await kate.post("/messages", { message: "x" })).toMatchObject(
        refusal(400, "conversation_id is required"),
      );
      expect(await kate.post("/messages", { conversation_id: room })).toMatchObject(
        refusal(400, "message is required"),
      );
    });

    test("to strangers the conversation does not exist", async () => {
      for (const [who, conversation_id] of [
        [eve, room],
        [kate, "x".repeat(16)],
        [kate, "x"],
      ] as const) {
        expect(await who.post("/messages", { conversation_id, message: "x" })).toMatchObject(
          refusal(404, "conversation_id names no conversation that you are in"),
        );
      }
    });

    test("writing is 403 in a locked room and behind a closed lobby, for a moderator only in the locked one", async () => {
      const { json } = await kate.post("/groups", { name: "Locked", contacts: [hank.publicId] });
      const token = await tokenOf(json.id);
      const write = (who: Someone) => who.post("/messages", { conversation_id: json.id, message: "x" });
      await place.useCases.roomSettings.setReadOnly(kate.actor, token, true);
      for (const who of [kate, hank]) expect(await write(who)).toMatchObject(refusal(403));
      await place.useCases.roomSettings.setReadOnly(kate.actor, token, false);
      await place.useCases.roomSettings.setLobby(kate.actor, token, { on: true });
      expect(await write(hank)).toMatchObject(refusal(403));
      expect(await hank.get(`/messages?conversation_id=${json.id}`)).toMatchObject(refusal(403));
      expect((await write(kate)).status).toBe(201);
    });
  });

  describe("updating", () => {
    test("[D.1] the author edits the text, which sets updated_at; nobody else does", async () => {
      const { path, json } = await say(hank, "Helo");
      expect(await hank.put(path, "message=Hello")).toMatchObject({
        status: 200,
        json: { ...json, message: "Hello", updated_at: SECONDS },
      });
      expect(await kate.put(path, { message: "Kate's" })).toMatchObject(refusal(403));
      expect((await kate.get(path)).json.message).toBe("Hello");
      expect(await eve.put(path, { message: "x" })).toMatchObject(refusal(404));
    });

    test("the same text makes no edit, so that whole objects can be sent back", async () => {
      const { path, json } = await say(hank);
      expect(await kate.put(path, { ...json, attachments: undefined })).toMatchObject({ status: 200, json });
    });

    test("[D.1] reactions go in as a map and come out as a list", async () => {
      const { path } = await say(hank);
      const form = `reactions[red_angry_face][]=${kate.handle}`;
      const { status, json } = await kate.put(path, form);
      expect({ status, reactions: json.reactions }).toEqual({
        status: 200,
        reactions: [{ red_angry_face: [kate.handle] }],
      });
      expect(json.updated_at).toBeNull();
      const both = await hank.put(path, {
        reactions: { red_angry_face: [hank.handle], "🎉": [hank.handle] },
      });
      expect(both.json.reactions).toEqual([
        { red_angry_face: [kate.handle, hank.handle] },
        { "🎉": [hank.handle] },
      ]);
    });

    test("in reactions only the caller's own username counts", async () => {
      const { path } = await say(hank);
      await kate.put(path, { reactions: { ok: [kate.handle] } });
      const shown = (await hank.put(path, { reactions: { ok: ["KateMcCallister"], no: [kate.handle] } }))
        .json;
      expect(shown.reactions).toEqual([{ ok: [kate.handle] }]);
      const echoed = await kate.put(path, { reactions: [...shown.reactions, { yes: [kate.handle] }] });
      expect(echoed.json.reactions).toEqual([{ ok: [kate.handle] }, { yes: [kate.handle] }]);
    });

    test.each([
      ["an empty map", { reactions: {} }],
      ["an empty value in a form", "reactions="],
      ["null", { reactions: null }],
      ["an empty list of usernames", "reactions[ok][]="],
    ])("%s takes one's own reactions back, and leaves the others'", async (_, body) => {
      const { path } = await say(hank);
      await kate.put(path, { reactions: { ok: [kate.handle] } });
      await hank.put(path, { reactions: { ok: [hank.handle] } });
      expect((await kate.put(path, body)).json.reactions).toEqual([{ ok: [hank.handle] }]);
    });

    test.each([
      ["message", { message: 5 }],
      ["reactions", { reactions: "ok" }],
      ["reactions", { reactions: { ok: [5] } }],
      ["reactions", { reactions: [[]] }],
      ["attachments", { attachments: ["nothing"] }],
      ["attachments", { attachments: 7 }],
    ])("a wrong %s is 400 and is named", async (field, body) => {
      const { path } = await say(kate);
      expect(await kate.put(path, body)).toMatchObject(refusal(400, expect.stringContaining(field)));
    });

    test("a reaction's name has 1 to 64 characters, and a member at most 20 of them", async () => {
      const { path } = await say(kate);
      const react = (names: string[]) =>
        kate.put(path, { reactions: Object.fromEntries(names.map((name) => [name, [kate.handle]])) });
      expect(await react(["x".repeat(65)])).toMatchObject(refusal(400));
      expect(await react(Array.from({ length: 21 }, (_, i) => `r${i}`))).toMatchObject(refusal(413));
      expect((await react(Array.from({ length: 20 }, (_, i) => `r${i}`))).status).toBe(200);
    });
  });

  describe("deleting", () => {
    test("[D.1] is for good: it is neither found nor listed, nor deleted again", async () => {
      const { path, json } = await say(hank);
      expect(await hank.delete(path)).toMatchObject({ status: 204, text: "" });
      for (const answer of [
        await kate.get(path),
        await hank.put(path, { message: "x" }),
        await hank.delete(path),
      ]) {
        expect(answer).toMatchObject(refusal(404));
      }
      expect(idsOf(await kate.get(`/messages?conversation_id=${room}`))).not.toContain(json.id);
    });

    test("a moderator deletes others' messages, a plain member does not", async () => {
      expect(await hank.delete((await say(kate)).path)).toMatchObject(refusal(403));
      expect((await kate.delete((await say(hank)).path)).status).toBe(204);
      expect(await eve.delete((await say(kate)).path)).toMatchObject(refusal(404));
    });
  });

  test("an id that names none, or another kind of event, is 404", async () => {
    const { room: conversation } = await place.useCases.finding.view(kate.actor, { publicId: room });
    const first = protocolMessageId({ roomId: conversation.id, seq: 1 });
    for (const id of ["x", "x".repeat(16), "0".repeat(16), first, room]) {
      expect(await kate.get(`/messages/${id}`), id).toMatchObject(refusal(404));
    }
  });

  describe("listing", () => {
    let lister: Someone;
    let rooms: string[];
    /** From the newest. */
    let ids: string[];

    beforeAll(async () => {
      lister = await place.person();
      rooms = [];
      for (const other of [kate, hank]) {
        rooms.push((await lister.post("/conversations", { contact_id: other.publicId })).json.id);
      }
      ids = [];
      for (let i = 0; i < 12; i++) {
        const { json } = await lister.post("/messages", { conversation_id: rooms[i % 2], message: `${i}` });
        ids.unshift(json.id);
      }
    });

    test("[D.2] ten of all conversations, newest first", async () => {
      const first = await lister.get("/messages");
      expect(first.json.has_more).toBe(true);
      expect(idsOf(first)).toEqual(ids.slice(0, 10));
      expect(idsOf(await lister.get("/messages?limit=100"))).toEqual(ids);
    });

    test("[D.1] conversation_id shows those of one", async () => {
      const odd = ids.filter((_, i) => i % 2 === 0);
      expect(idsOf(await lister.get(`/messages?conversation_id=${rooms[1]}`))).toEqual(odd);
      expect(await eve.get(`/messages?conversation_id=${rooms[1]}`)).toMatchObject(refusal(404));
    });

    test("[D.2] cursors walk in both directions, and survive the deletion of their item", async () => {
      expect(idsOf(await lister.get(`/messages?limit=4&starting_after=${ids[3]}`))).toEqual(ids.slice(4, 8));
      const back = await lister.get(`/messages?limit=4&ending_before=${ids[8]}`);
      expect(idsOf(back)).toEqual(ids.slice(4, 8));
      expect(back.json.has_more).toBe(true);
      await lister.delete(`/messages/${ids[3]}`);
      expect(idsOf(await lister.get(`/messages?limit=4&starting_after=${ids[3]}`))).toEqual(ids.slice(4, 8));
    });

    test("[D.2] a bad limit, an unknown or foreign cursor, and both cursors are 400", async () => {
      const { json } = await say(kate);
      for (const query of [
        "limit=101",
        "limit=0",
        "starting_after=x",
        `starting_after=${"x".repeat(16)}`,
        `ending_before=${json.id}`,
        `starting_after=${ids[0]}&ending_before=${ids[1]}`,
      ]) {
        expect(await lister.get(`/messages?${query}`), query).toMatchObject(refusal(400));
      }
    });

    test("a new member sees what came after they joined", async () => {
      const late = await place.person();
      await say(kate, "before");
      const { contacts } = (await kate.get(`/groups/${room}`)).json;
      await kate.put(`/groups/${room}`, { contacts: [...contacts, late.publicId] });
      const { json } = await say(kate, "after");
      expect(idsOf(await late.get(`/messages?conversation_id=${room}`))).toEqual([json.id]);
    });
  });
});
