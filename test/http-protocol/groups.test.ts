/** `/v1/groups` (reference §D). */
import { beforeAll, describe, expect, test } from "vitest";
import { describeProtocol, ID, idsOf, ROOM, refusal, SECONDS, type Someone } from "./api.ts";

const PNG = [
  ...Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABXvMqOgAAAABJRU5ErkJggg==",
    "base64",
  ),
];

describeProtocol("Protocol's groups", (place) => {
  let kate: Someone;
  let hank: Someone;
  let uma: Someone;
  let eve: Someone;

  beforeAll(async () => {
    [kate, hank, uma, eve] = await Promise.all([
      place.person(),
      place.person(),
      place.person(),
      place.person(),
    ]);
  });

  const create = async (fields: object = {}) => {
    const { json } = await kate.post("/groups", { name: "Crew", contacts: [hank.publicId], ...fields });
    return { id: json.id as string, path: `/groups/${json.id}`, json };
  };
  const namesOf = (json: { contacts: { username: string }[] }) =>
    json.contacts.map(({ username }) => username);

  describe("creating", () => {
    test("[D.1] a name is enough: 201, description and avatar null, no contacts, and a conversation", async () => {
      const { status, json, headers } = await kate.post("/groups", "name=Plaza+Hotel");
      expect({ status, json }).toEqual({
        status: 201,
        json: {
          id: ID,
          name: "Plaza Hotel",
          description: null,
          avatar_url: null,
          conversation_id: ID,
          room: ROOM,
          contacts: [],
          created_at: SECONDS,
          archived_at: null,
        },
      });
      expect(headers.get("location")).toBe(`/v1/groups/${json.id}`);
      expect(await kate.get(`/conversations/${json.conversation_id}`)).toMatchObject({
        status: 200,
        json: { group_id: json.id, contact_id: null, last_active_at: null },
      });
    });

    test("[D.1] contacts are ids, handles, or objects with an id, as a form or as JSON", async () => {
      const contacts = [hank.publicId, { id: uma.publicId, username: "whatever" }];
      const { json } = await create({ contacts, description: "d", avatar_url: "https://a.example/1.png" });
      expect(json).toMatchObject({ description: "d", avatar_url: "https://a.example/1.png" });
      expect(json.contacts).toEqual([
        expect.objectContaining({ id: hank.publicId, username: hank.handle, conversation_id: null }),
        expect.objectContaining({ id: uma.publicId }),
      ]);
      for (const form of [
        `contacts[]=${hank.publicId}&contacts[]=${uma.handle}`,
        `contacts[0]=${hank.publicId}&contacts[1]=${uma.publicId}`,
        `contacts[0][id]=${hank.publicId}&contacts[1][id]=${uma.publicId}`,
        `contacts=${hank.publicId}&contacts=${uma.publicId}`,
      ]) {
        const answer = await kate.post("/groups", `name=Form&${form}`);
        expect(namesOf(answer.json), form).toEqual([hank.handle, uma.handle]);
      }
      expect((await kate.post("/groups", `name=One&contacts=${uma.publicId}`)).json.contacts).toHaveLength(1);
      expect((await kate.post("/groups", "name=None&contacts=")).json.contacts).toEqual([]);
      expect((await kate.post("/groups", "name=None&contacts[]=")).json.contacts).toEqual([]);
    });

    test("oneself among the contacts is the creator all the same", async () => {
      const { json } = await create({ contacts: [kate.publicId, hank.publicId] });
      expect(namesOf(json)).toEqual([hank.handle]);
    });

    test("an unknown contact is 404, one of another organization too, and nothing is made", async () => {
      const stranger = await place.person(await place.org());
      const before = (await kate.get("/groups?limit=100")).json.data.length;
      for (const contact of ["nobody", "x".repeat(16), "", stranger.publicId]) {
        expect(
          await kate.post("/groups", { name: "No", contacts: [hank.publicId, contact] }),
          contact,
        ).toMatchObject(refusal(404, "contacts names a user who does not exist"));
      }
      expect((await kate.get("/groups?limit=100")).json.data).toHaveLength(before);
    });

    test.each([
      ["name", {}],
      ["name", { name: "" }],
      ["name", { name: "x".repeat(201) }],
      ["name", { name: 5 }],
      ["description", { name: "n", description: "x".repeat(2_001) }],
      ["avatar_url", { name: "n", avatar_url: "data:text/html,<script>" }],
      ["contacts", { name: "n", contacts: { a: 1 } }],
      ["contacts", { name: "n", contacts: [5] }],
    ])("a wrong %s is 400 and is named", async (field, body) => {
      expect(await kate.post("/groups", body)).toMatchObject(refusal(400, expect.stringContaining(field)));
    });

    test.each([
      "Einsatz 🚒👩‍🚒",
      "غرفة الأخبار",
      "שלום",
      "日本語の部屋",
      "e\u0301 vs é",
      "ends in \u{10ffff}",
    ])("the name %s survives, as JSON and as a form", async (name) => {
      expect((await kate.post("/groups", { name })).json.name).toBe(name);
      expect((await kate.post("/groups", `name=${encodeURIComponent(name)}`)).json.name).toBe(name);
    });
  });

  describe("one group", () => {
    test("[D.1] is read by its members, each sees the others", async () => {
      const { path, json } = await create();
      expect(await kate.get(path)).toMatchObject({ status: 200, json });
      expect(namesOf((await hank.get(path)).json)).toEqual([kate.handle]);
      expect(await eve.get(path)).toMatchObject(refusal(404));
    });

    test("a one-to-one conversation is none", async () => {
      const { json } = await kate.post("/conversations", { contact_id: hank.publicId });
      for (const answer of [
        await kate.get(`/groups/${json.id}`),
        await kate.put(`/groups/${json.id}`, { name: "x" }),
        await kate.delete(`/groups/${json.id}`),
      ]) {
        expect(answer).toMatchObject(refusal(404));
      }
    });

    test("[D.1] name, description, avatar_url and contacts change, contacts by replacing the set", async () => {
      const { path } = await create();
      const fields = { name: "Neu", description: "Text", avatar_url: "https://a.example/2.png" };
      expect(await kate.put(path, fields)).toMatchObject({ status: 200, json: fields });
      expect(namesOf((await kate.put(path, { contacts: [uma.publicId] })).json)).toEqual([uma.handle]);
      expect(await hank.get(path)).toMatchObject(refusal(404));
      const back = (await uma.get(path)).json.contacts;
      expect(namesOf((await kate.put(path, { contacts: [...back, { id: hank.publicId }] })).json)).toEqual([
        hank.handle,
      ]);
      expect((await kate.put(path, "description=&avatar_url=")).json).toMatchObject({
        name: "Neu",
        description: null,
        avatar_url: null,
      });
      expect(namesOf((await kate.put(path, "contacts=")).json)).toEqual([]);
    });

    test("changes that others see need a moderator: 403, and nothing changes", async () => {
      const { path, json } = await create();
      for (const body of [{ name: "x" }, { description: "x" }, { avatar_url: null }, { contacts: [] }]) {
        expect(await hank.put(path, { ...body, archived_at: 5 })).toMatchObject(refusal(403));
      }
      expect(await hank.delete(path)).toMatchObject(refusal(403));
      expect((await hank.get(path)).json.archived_at).toBeNull();
      expect((await kate.get(path)).json).toEqual(json);
    });

    test("[D.1] archived_at is the caller's own, the same as the conversation's, and null unarchives", async () => {
      const { path, id } = await create();
      expect((await hank.put(path, "archived_at=692233200")).json.archived_at).toBe(692_233_200);
      expect((await hank.get(`/conversations/${id}`)).json.archived_at).toBe(692_233_200);
      expect((await kate.get(path)).json.archived_at).toBeNull();
      expect((await hank.put(path, { archived_at: null })).json.archived_at).toBeNull();
    });

    test("[D.1] deleting it deletes its messages and its conversation", async () => {
      const { path, id } = await create();
      const message = await hank.post("/messages", { conversation_id: id, message: "Hello" });
      expect(await kate.delete(path)).toMatchObject({ status: 204, text: "" });
      for (const at of [path, `/conversations/${id}`, `/messages/${message.json.id}`]) {
        expect(await hank.get(at)).toMatchObject(refusal(404));
      }
    });

    test("a picture that was uploaded through Messenger is its avatar_url, also sent back, until it is replaced", async () => {
      const org = await place.org();
      const owner = await place.person(org);
      const headers = org.auth;
      const fields = { organizationID: org.id, admins: [owner.id] };
      const make = async (name: string) =>
        (
          await place.client("POST", "/api/v1/chat/chatrooms", {
            headers,
            json: { ...fields, name, avatar: PNG },
          })
        ).json;
      const [room, other] = [await make("Rescue"), await make("Fire")];
      const [group] = (await owner.get("/groups")).json.data.filter(
        ({ name }: { name: string }) => name === "Rescue",
      );
      const path = `/groups/${group.id}`;
      const picture = async () => (await place.client("GET", new URL(room.avatarURL).pathname)).status;
      expect(group.avatar_url).toBe(room.avatarURL);
      expect(await owner.put(path, { ...group, contacts: [], name: "Rescue 2" })).toMatchObject({
        status: 200,
        json: { name: "Rescue 2", avatar_url: room.avatarURL },
      });
      const rule = "avatar_url must not be the picture of another room, or a former one";
      for (const answer of [
        await owner.put(path, { avatar_url: other.avatarURL }),
        await owner.post("/groups", { name: "Copy", avatar_url: room.avatarURL }),
        await owner.post("/contacts", {
          username: kate.handle,
          phone_number: "1",
          avatar_url: room.avatarURL,
        }),
      ]) {
        expect(answer).toMatchObject(refusal(400, rule));
      }
      expect(await picture()).toBe(200);
      const web = "https://a.example/avatars/1.png";
      expect((await owner.put(path, { avatar_url: web })).json.avatar_url).toBe(web);
      expect(await picture()).toBe(404);
      const shown = await place.client("GET", `/api/v1/chat/chatrooms/${room.id}`, { headers });
      expect(shown.json.avatarURL).toBe(web);
      expect(await owner.put(path, { avatar_url: room.avatarURL })).toMatchObject(refusal(400, rule));
      expect((await owner.put(path, { avatar_url: null })).json.avatar_url).toBeNull();
    });
  });

  describe("listing", () => {
    test("[D.1] [D.2] groups only, newest activity first, with cursors and archived", async () => {
      const lister = await place.person();
      await lister.post("/conversations", { contact_id: kate.publicId });
      const ids: string[] = [];
      for (let i = 0; i < 11; i++) ids.unshift((await lister.post("/groups", { name: `G${i}` })).json.id);
      const first = await lister.get("/groups");
      expect(first.json.has_more).toBe(true);
      expect(idsOf(first)).toEqual(ids.slice(0, 10));
      expect(idsOf(await lister.get(`/groups?limit=100&starting_after=${ids[8]}`))).toEqual(ids.slice(9));
      expect(idsOf(await lister.get(`/groups?limit=2&ending_before=${ids[3]}`))).toEqual(ids.slice(1, 3));
      await lister.put(`/groups/${ids[4]}`, { archived_at: 1 });
      expect(idsOf(await lister.get("/groups?archived=true"))).toEqual([ids[4]]);
      expect(await lister.get("/groups?limit=101")).toMatchObject(refusal(400));
      expect(await lister.get("/groups?starting_after=x")).toMatchObject(refusal(400));
    });
  });
});
