/** `/v1/contacts` (reference §D). */
import { beforeAll, describe, expect, test } from "vitest";
import { describeProtocol, ID, idsOf, ROOM, refusal, SECONDS, type Someone } from "./api.ts";

describeProtocol("Protocol's contacts", (place) => {
  let kate: Someone;
  let eve: Someone;

  beforeAll(async () => {
    [kate, eve] = await Promise.all([place.person(), place.person()]);
  });

  async function contact(fields: object = {}) {
    const other = await place.person();
    const answer = await kate.post("/contacts", {
      username: other.handle,
      phone_number: "1-800-759-3000",
      ...fields,
    });
    return { other, answer, path: `/contacts/${answer.json.id}` };
  }

  describe("creating", () => {
    test("[D.1] username and phone_number are enough: 201, and there is a conversation at once", async () => {
      const other = await place.person();
      const form = `username=${other.handle}&phone_number=1-800-759-3000`;
      const { status, json, headers } = await kate.post("/contacts", form);
      expect({ status, json }).toEqual({
        status: 201,
        json: {
          id: other.publicId,
          username: other.handle,
          phone_number: "1-800-759-3000",
          avatar_url: null,
          display_name: null,
          conversation_id: ID,
          room: ROOM,
          last_active_at: null,
          created_at: SECONDS,
        },
      });
      expect(headers.get("location")).toBe(`/v1/contacts/${other.publicId}`);
      const conversation = await kate.get(`/conversations/${json.conversation_id}`);
      expect(conversation).toMatchObject({ status: 200, json: { contact_id: other.publicId } });
      expect(await kate.post("/conversations", { contact_id: json.id })).toMatchObject({
        status: 200,
        json: { id: json.conversation_id },
      });
    });

    test("[D.1] avatar_url and display_name are optional, a user is named by id too", async () => {
      const other = await place.person();
      const fields = {
        phone_number: "+49 40",
        avatar_url: "https://a.example/1.png",
        display_name: "كيت 👩‍🚒 é",
      };
      const { status, json } = await kate.post("/contacts", { username: other.publicId, ...fields });
      expect(status).toBe(201);
      expect(json).toMatchObject({ username: other.handle, ...fields });
    });

    test("[D.1] the same contact again is the same contact: 200, and changed", async () => {
      const { other, answer } = await contact();
      const again = await kate.post("/contacts", { username: other.publicId, phone_number: "2" });
      expect(again).toMatchObject({
        status: 200,
        json: { id: answer.json.id, conversation_id: answer.json.conversation_id, phone_number: "2" },
      });
      expect(idsOf(await kate.get("/contacts?limit=100")).filter((id) => id === other.publicId)).toHaveLength(
        1,
      );
    });

    test("[D.1] username and phone_number are required", async () => {
      for (const body of [{}, { phone_number: "1" }, "phone_number=1"]) {
        expect(await kate.post("/contacts", body)).toMatchObject(refusal(400, "username is required"));
      }
      expect(await kate.post("/contacts", { username: eve.handle })).toMatchObject(
        refusal(400, "phone_number is required"),
      );
      expect(await kate.post("/contacts", `username=${eve.handle}&phone_number=`)).toMatchObject(
        refusal(400, expect.stringContaining("phone_number must be")),
      );
    });

    test("an unknown user is 404, so is one of another organization; oneself is 403", async () => {
      const stranger = await place.person(await place.org());
      for (const username of ["nobody", "🚒", "x".repeat(16), stranger.handle, stranger.publicId]) {
        expect(await kate.post("/contacts", { username, phone_number: "1" }), username).toMatchObject(
          refusal(404, expect.stringContaining("username")),
        );
      }
      expect(await kate.post("/contacts", { username: kate.handle, phone_number: "1" })).toMatchObject(
        refusal(403),
      );
    });

    test.each([
      ["phone_number", { phone_number: "1".repeat(65) }],
      ["avatar_url", { avatar_url: "javascript:alert(1)" }],
      ["display_name", { display_name: "x".repeat(201) }],
      ["display_name", { display_name: "a\0b" }],
    ])("a wrong %s is 400 and is named", async (field, fields) => {
      const { answer } = await contact(fields);
      expect(answer).toMatchObject(refusal(400, expect.stringContaining(field)));
    });
  });

  describe("one contact", () => {
    test("[D.1] is read by its owner, and by nobody else", async () => {
      const { answer, path } = await contact();
      expect(await kate.get(path)).toMatchObject({ status: 200, json: answer.json });
      expect(await eve.get(path)).toMatchObject(refusal(404));
      for (const id of ["x", "x".repeat(16), eve.publicId]) {
        expect(await kate.get(`/contacts/${id}`)).toMatchObject(refusal(404));
      }
    });

    test("[D.1] only display_name changes, and empty means the username again", async () => {
      const { answer, path } = await contact();
      const update = { display_name: "Katja", username: "other", phone_number: "0" };
      expect(await kate.put(path, update)).toMatchObject({
        status: 200,
        json: { ...answer.json, display_name: "Katja" },
      });
      expect(await kate.put(path, "display_name=")).toMatchObject({ status: 200, json: answer.json });
      expect(await kate.put(path, {})).toMatchObject({ status: 200, json: answer.json });
      expect(await eve.put(path, update)).toMatchObject(refusal(404));
    });

    test("[D.1] last_active_at is when they were last seen", async () => {
      const { answer, other, path } = await contact();
      await other.post("/messages", { conversation_id: answer.json.conversation_id, message: "Hi" });
      expect((await kate.get(path)).json.last_active_at).toEqual(SECONDS);
    });

    test("[D.1] deleting it deletes the conversation too, for both", async () => {
      const { answer, other, path } = await contact();
      const conversation = `/conversations/${answer.json.conversation_id}`;
      expect(await eve.delete(path)).toMatchObject(refusal(404));
      expect(await kate.delete(path)).toMatchObject({ status: 204, text: "" });
      for (const who of [kate, other]) expect(await who.get(conversation)).toMatchObject(refusal(404));
      expect(await kate.get(path)).toMatchObject(refusal(404));
      expect(await kate.delete(path)).toMatchObject(refusal(404));
    });

    test("[D.1] a deleted conversation leaves the contact without one, until it is opened again", async () => {
      const { answer, path } = await contact();
      await kate.delete(`/conversations/${answer.json.conversation_id}`);
      expect((await kate.get(path)).json.conversation_id).toBeNull();
      const { json } = await kate.post("/conversations", { contact_id: answer.json.id });
      expect((await kate.get(path)).json.conversation_id).toBe(json.id);
    });
  });

  describe("listing", () => {
    let lister: Someone;
    let ids: string[];

    beforeAll(async () => {
      lister = await place.person();
      ids = [];
      for (let i = 0; i < 12; i++) {
        const { handle } = await place.person();
        ids.unshift((await lister.post("/contacts", { username: handle, phone_number: "1" })).json.id);
      }
    });

    test("[D.2] a page holds ten unless told, newest activity first", async () => {
      const first = await lister.get("/contacts");
      expect(first.json.has_more).toBe(true);
      expect(idsOf(first)).toEqual(ids.slice(0, 10));
      expect((await lister.get("/contacts?limit=100")).json).toMatchObject({ has_more: false });
    });

    test("[D.1] active=true, which clients send, is taken", async () => {
      const all = await lister.get("/contacts?active=true&limit=100");
      expect(all.status).toBe(200);
      expect(idsOf(all)).toEqual(ids);
    });

    test("[D.2] cursors walk in both directions, and survive the deletion of their item", async () => {
      expect(idsOf(await lister.get(`/contacts?limit=3&starting_after=${ids[2]}`))).toEqual(ids.slice(3, 6));
      expect(idsOf(await lister.get(`/contacts?limit=3&ending_before=${ids[6]}`))).toEqual(ids.slice(3, 6));
      await lister.delete(`/contacts/${ids[2]}`);
      expect(idsOf(await lister.get(`/contacts?limit=3&starting_after=${ids[2]}`))).toEqual(ids.slice(3, 6));
    });

    test.each([["limit=0"], ["limit=101"], ["starting_after=x"], ["ending_before=xxxxxxxxxxxxxxxx"]])(
      "[D.2] %s is 400",
      async (query) => {
        expect(await lister.get(`/contacts?${query}`)).toMatchObject(
          refusal(400, expect.stringContaining(query.split("=")[0] as string)),
        );
      },
    );
  });
});
