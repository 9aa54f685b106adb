/** `/v1/conversations` (reference §D and the document). */
import { beforeAll, describe, expect, test } from "vitest";
import { describeProtocol, ID, idsOf, ROOM, refusal, SECONDS, type Someone } from "./api.ts";

describeProtocol("Protocol's conversations", (place) => {
  let kate: Someone;
  let hank: Someone;
  let eve: Someone;

  beforeAll(async () => {
    [kate, hank, eve] = await Promise.all([place.person(), place.person(), place.person()]);
  });

  /** A conversation of Kate with somebody new. */
  async function fresh() {
    const other = await place.person();
    const { json } = await kate.post("/conversations", { contact_id: other.publicId });
    return { other, id: json.id as string, path: `/conversations/${json.id}` };
  }
  async function group(contacts: Someone[] = []) {
    const { json } = await kate.post("/groups", {
      name: "Team",
      contacts: contacts.map((one) => one.publicId),
    });
    return json.id as string;
  }
  const say = async (who: Someone, conversation_id: string, message = "Hello") =>
    (await who.post("/messages", { conversation_id, message })).json;

  describe("creating", () => {
    test("[D.1] a contact_id makes the conversation: 201, with the document's fields, nothing active or opened yet", async () => {
      const { status, json, headers } = await kate.post("/conversations", `contact_id=${hank.publicId}`);
      expect({ status, json }).toEqual({
        status: 201,
        json: {
          id: ID,
          contact_id: hank.publicId,
          group_id: null,
          pinned_message_id: null,
          room: ROOM,
          pinned_seq: null,
          is_pinned: false,
          is_muted: false,
          last_active_at: null,
          last_opened_at: null,
          created_at: SECONDS,
          archived_at: null,
        },
      });
      expect(headers.get("location")).toBe(`/v1/conversations/${json.id}`);
    });

    test("[D.1] the same contact again is 200 with the same conversation, from both sides", async () => {
      const first = await kate.post("/conversations", { contact_id: hank.publicId });
      expect(first.status).toBe(200);
      const other = await hank.post("/conversations", { contact_id: kate.publicId });
      expect(other.status).toBe(200);
      expect(other.json).toEqual({ ...first.json, contact_id: kate.publicId });
    });

    test("[D.1] a contact may be named by handle", async () => {
      const other = await place.person();
      const answer = await kate.post("/conversations", { contact_id: other.handle });
      expect(answer).toMatchObject({ status: 201, json: { contact_id: other.publicId } });
    });

    test("[D.1] a group_id is 200 with the group's conversation", async () => {
      const id = await group([hank]);
      const answer = await hank.post("/conversations", { group_id: id });
      expect(answer).toMatchObject({ status: 200, json: { group_id: id, contact_id: null } });
    });

    test("[D.1] neither is 400, and so are both", async () => {
      for (const body of [{}, "", "contact_id=", { contact_id: null, group_id: null }]) {
        expect(await kate.post("/conversations", body)).toMatchObject(
          refusal(400, "contact_id or group_id is required"),
        );
      }
      const both = { contact_id: hank.publicId, group_id: await group() };
      expect(await kate.post("/conversations", both)).toMatchObject(
        refusal(400, "contact_id and group_id must not be given together"),
      );
    });

    test("an unknown contact or group is 404, somebody of another organization too, oneself 403", async () => {
      const stranger = await place.person(await place.org());
      for (const contact_id of [
        "nobody",
        "x".repeat(16),
        "\u202eابت 🚒",
        stranger.publicId,
        stranger.handle,
      ]) {
        expect(await kate.post("/conversations", { contact_id }), contact_id).toMatchObject(
          refusal(404, "contact_id names a user who does not exist"),
        );
      }
      const { id } = await fresh();
      for (const group_id of ["nobody", "x".repeat(16), id]) {
        expect(await kate.post("/conversations", { group_id }), group_id).toMatchObject(refusal(404));
      }
      expect(await kate.post("/conversations", { contact_id: kate.publicId })).toMatchObject(refusal(403));
    });
  });

  describe("retrieving", () => {
    test("[D.1] is 200 for who is in it and 404 for everybody else", async () => {
      const { path, id, other } = await fresh();
      expect(await kate.get(path)).toMatchObject({ status: 200, json: { id, contact_id: other.publicId } });
      expect(await other.get(path)).toMatchObject({ status: 200, json: { id, contact_id: kate.publicId } });
      for (const at of [path, "/conversations/x", "/conversations/%00", `/conversations/${"x".repeat(16)}`]) {
        expect(await eve.get(at), at).toMatchObject(refusal(404));
      }
    });

    test("[D.1] sending updates last_active_at", async () => {
      const { path, id } = await fresh();
      await say(kate, id);
      expect((await kate.get(path)).json.last_active_at).toEqual(SECONDS);
    });

    test("[One domain] last_opened_at is the caller's own, when they opened it; read_at is when another read it", async () => {
      const { path, other, id } = await fresh();
      const message = await say(kate, id);
      const { room: conversation, head } = await place.useCases.finding.view(other.actor, { publicId: id });
      await place.useCases.messages.markRead(other.actor, conversation.token, head.head);
      expect(message.read_at).toBeNull();
      expect((await other.get(path)).json.last_opened_at).toEqual(SECONDS);
      expect((await kate.get(`/messages/${message.id}`)).json.read_at).toEqual(SECONDS);
    });
  });

  describe("updating", () => {
    test("[D.1] is_muted and is_pinned are the caller's own, from forms and JSON", async () => {
      const { path, other } = await fresh();
      expect(await kate.put(path, "is_muted=true")).toMatchObject({
        status: 200,
        json: { is_muted: true, is_pinned: false },
      });
      expect((await kate.put(path, { is_pinned: true })).json).toMatchObject({
        is_muted: true,
        is_pinned: true,
      });
      expect((await kate.put(path, { is_muted: "false", is_pinned: "false" })).json).toMatchObject({
        is_muted: false,
        is_pinned: false,
      });
      await kate.put(path, "is_muted=true");
      expect((await other.get(path)).json).toMatchObject({ is_muted: false, is_pinned: false });
    });

    test.each([
      ["null in JSON", { archived_at: null }],
      ["an empty text in JSON", { archived_at: "" }],
      ["an empty value in a form", "archived_at="],
      ["the text null in a form", "archived_at=null"],
    ])("[D.1] archived_at archives, and %s unarchives", async (_, body) => {
      const { path, other } = await fresh();
      expect((await kate.put(path, "archived_at=692233200")).json.archived_at).toBe(692_233_200);
      expect((await kate.put(path, { archived_at: 705_103_200 })).json.archived_at).toBe(705_103_200);
      expect((await other.get(path)).json.archived_at).toBeNull();
      expect(await kate.put(path, body)).toMatchObject({ status: 200, json: { archived_at: null } });
    });

    test("[D.1] a pinned message is shown to everybody, and null or empty unpins it", async () => {
      const { path, other, id } = await fresh();
      const { id: message } = await say(other, id);
      expect((await kate.put(path, { pinned_message_id: message })).json.pinned_message_id).toBe(message);
      expect((await other.get(path)).json.pinned_message_id).toBe(message);
      for (const body of ["pinned_message_id=", "pinned_message_id=null", { pinned_message_id: null }]) {
        await kate.put(path, { pinned_message_id: message });
        expect((await other.put(path, body)).json.pinned_message_id).toBeNull();
      }
    });

    test("[D.1] a pinned message must belong to the conversation", async () => {
      const { path, id } = await fresh();
      const elsewhere = await say(kate, (await fresh()).id);
      const deleted = await say(kate, id);
      await kate.delete(`/messages/${deleted.id}`);
      for (const pinned_message_id of [elsewhere.id, deleted.id, "x", id]) {
        expect(await kate.put(path, { pinned_message_id }), pinned_message_id).toMatchObject(
          refusal(400, "pinned_message_id must be the id of a message of this conversation"),
        );
      }
    });

    test("pinning in a group takes a moderator, muting does not", async () => {
      const id = await group([hank]);
      const { id: message } = await say(hank, id);
      const path = `/conversations/${id}`;
      expect(await hank.put(path, { pinned_message_id: message, is_muted: true })).toMatchObject(
        refusal(403),
      );
      expect((await hank.get(path)).json.is_muted).toBe(false);
      expect(await hank.put(path, { is_muted: true })).toMatchObject({
        status: 200,
        json: { is_muted: true },
      });
      expect((await kate.put(path, { pinned_message_id: message })).status).toBe(200);
    });

    test("no field at all changes nothing, unknown ones are ignored, and strangers get 404", async () => {
      const { path } = await fresh();
      const before = (await kate.get(path)).json;
      for (const body of [{}, "", undefined, { contact_id: "x", id: "y" }]) {
        expect(await kate.put(path, body)).toMatchObject({ status: 200, json: before });
      }
      expect(await eve.put(path, { is_muted: true })).toMatchObject(refusal(404));
    });

    test.each([
      ["is_muted", { is_muted: "yes" }],
      ["is_muted", "is_muted="],
      ["is_pinned", { is_pinned: 1 }],
      ["archived_at", { archived_at: "yesterday" }],
      ["archived_at", { archived_at: 1.5 }],
      ["archived_at", { archived_at: -1 }],
      ["archived_at", { archived_at: 1e300 }],
      ["archived_at", "archived_at[]=1"],
      ["pinned_message_id", { pinned_message_id: 5 }],
    ])("a wrong %s is 400 and is named", async (field, body) => {
      const { path } = await fresh();
      expect(await kate.put(path, body)).toMatchObject(
        refusal(400, expect.stringContaining(`${field} must be`)),
      );
    });
  });

  describe("deleting", () => {
    test("[D.1] is 204 and for all, with all messages; the contact makes a new one: 201", async () => {
      const { path, other, id } = await fresh();
      const message = await say(other, id);
      expect(await kate.delete(path)).toMatchObject({ status: 204, text: "" });
      for (const who of [kate, other]) {
        expect(await who.get(path)).toMatchObject(refusal(404));
        expect(await who.get(`/messages/${message.id}`)).toMatchObject(refusal(404));
      }
      expect(await kate.delete(path)).toMatchObject(refusal(404));
      const again = await kate.post("/conversations", { contact_id: other.publicId });
      expect(again.status).toBe(201);
      expect(again.json.id).not.toBe(id);
    });

    test("a group's takes a moderator", async () => {
      const id = await group([hank]);
      expect(await hank.delete(`/conversations/${id}`)).toMatchObject(refusal(403));
      expect((await kate.delete(`/conversations/${id}`)).status).toBe(204);
      expect(await hank.get(`/groups/${id}`)).toMatchObject(refusal(404));
    });

    test("strangers get 404", async () => {
      expect(await eve.delete((await fresh()).path)).toMatchObject(refusal(404));
    });
  });

  describe("listing", () => {
    let lister: Someone;
    let contacts: Someone[];
    /** From the one that was active last. */
    let ids: string[];

    beforeAll(async () => {
      lister = await place.person();
      contacts = await Promise.all(Array.from({ length: 12 }, () => place.person()));
      ids = [];
      for (const { publicId } of contacts) {
        ids.unshift((await lister.post("/conversations", { contact_id: publicId })).json.id);
      }
    });

    test("[D.2] a page holds ten unless told, newest activity first", async () => {
      const { status, json } = await lister.get("/conversations");
      expect(status).toBe(200);
      expect(json).toEqual({ has_more: true, data: expect.any(Array) });
      expect(idsOf(await lister.get("/conversations"))).toEqual(ids.slice(0, 10));
      await say(lister, ids[5] as string);
      ids = [ids[5] as string, ...ids.filter((_, i) => i !== 5)];
      expect(idsOf(await lister.get("/conversations?limit=100"))).toEqual(ids);
    });

    test("[D.2] starting_after gives the next page, ending_before the one before, in the same order", async () => {
      const second = await lister.get(`/conversations?limit=5&starting_after=${ids[4]}`);
      expect(idsOf(second)).toEqual(ids.slice(5, 10));
      expect(second.json.has_more).toBe(true);
      const last = await lister.get(`/conversations?limit=5&starting_after=${ids[9]}`);
      expect(idsOf(last)).toEqual(ids.slice(10));
      expect(last.json.has_more).toBe(false);
      const back = await lister.get(`/conversations?limit=5&ending_before=${ids[10]}`);
      expect(idsOf(back)).toEqual(ids.slice(5, 10));
      expect(back.json.has_more).toBe(true);
      const first = await lister.get(`/conversations?limit=5&ending_before=${ids[5]}`);
      expect(idsOf(first)).toEqual(ids.slice(0, 5));
      expect(first.json.has_more).toBe(false);
    });

    test.each([["limit=0"], ["limit=101"], ["limit=-1"], ["limit=1.5"], ["limit=ten"], ["limit="]])(
      "[D.2] %s is 400",
      async (query) => {
        expect(await lister.get(`/conversations?${query}`)).toMatchObject(
          refusal(400, "limit must be an integer from 1 to 100"),
        );
      },
    );

    test("[D.2] limit 1 and limit 100 are fine", async () => {
      expect(idsOf(await lister.get("/conversations?limit=1"))).toEqual(ids.slice(0, 1));
      expect(idsOf(await lister.get("/conversations?limit=100"))).toEqual(ids);
    });

    test("[D.2] an unknown or foreign cursor is 400, and so are both cursors", async () => {
      const { id: foreign } = await fresh();
      for (const cursor of ["x", "x".repeat(16), foreign, "", "%00"]) {
        for (const name of ["starting_after", "ending_before"]) {
          expect(await lister.get(`/conversations?${name}=${cursor}`), cursor).toMatchObject(
            refusal(400, expect.stringContaining(name)),
          );
        }
      }
      expect(
        await lister.get(`/conversations?starting_after=${ids[0]}&ending_before=${ids[2]}`),
      ).toMatchObject(refusal(400, "starting_after and ending_before must not be given together"));
    });

    test("[D.2] a cursor survives the deletion of its item", async () => {
      const { json } = await lister.post("/conversations", { contact_id: kate.publicId });
      await lister.delete(`/conversations/${json.id}`);
      expect(idsOf(await lister.get(`/conversations?limit=3&starting_after=${json.id}`))).toEqual(
        ids.slice(0, 3),
      );
    });

    test("[D.1] muted, archived, pinned and group_id show only those when true", async () => {
      const [a, b, c] = ids as [string, string, string];
      await lister.put(`/conversations/${a}`, "is_muted=true");
      await lister.put(`/conversations/${b}`, { archived_at: 5, is_muted: true });
      await lister.put(`/conversations/${c}`, { is_pinned: true });
      expect(idsOf(await lister.get("/conversations?muted=true"))).toEqual([a, b]);
      expect(idsOf(await lister.get("/conversations?archived=true"))).toEqual([b]);
      expect(idsOf(await lister.get("/conversations?pinned=true"))).toEqual([c]);
      expect(idsOf(await lister.get("/conversations?muted=true&archived=true"))).toEqual([b]);
      expect(idsOf(await lister.get("/conversations?muted=false&archived=false&limit=100"))).toEqual(ids);
      expect(await lister.get("/conversations?muted=perhaps")).toMatchObject(
        refusal(400, "muted must be true or false"),
      );
      const { json } = await lister.post("/groups", "name=Crew");
      expect(idsOf(await lister.get(`/conversations?group_id=${json.id}`))).toEqual([json.conversation_id]);
      expect(idsOf(await lister.get(`/conversations?group_id=${a}`))).toEqual([]);
      expect(idsOf(await lister.get(`/conversations?group_id=${"x".repeat(16)}`))).toEqual([]);
    });
  });
});
