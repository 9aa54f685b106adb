/** Provisioning under `/cloud` (reference §B.8.3), in both versions of OCS. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { clientOf, makeRoom, openSite, type Person, type Site } from "./site.ts";

describeWith("postgres", "Talk's provisioning", ({ postgres }) => {
  let site: Site;
  let admin: Person;
  let ada: Person;
  let count = 0;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    admin = await site.person("Admin", { administrator: true });
    ada = await site.person("Ada");
  });
  afterAll(() => site?.close());
  const fresh = () => `new-${++count}`;

  test("the log tells what administrators do, and what is refused, with who and from where", async () => {
    const acts = () => site.logged.filter((line) => "event" in line && line.event === "admin.act");
    const before = acts().length;
    const userid = fresh();
    await admin.post("/cloud/users", { userid, password: "s3cret" });
    await admin.get(`/cloud/users/${userid}`);
    await ada.put(`/cloud/users/${userid}`, { key: "password", value: "s3cret" });
    await admin.delete(`/cloud/users/${userid}`);
    const base = "/cloud/users";
    const act = (by: string, method: string, path: string, status: number) =>
      expect.objectContaining({ event: "admin.act", by, method, path, status, ip: expect.any(String) });
    expect(acts().slice(before)).toEqual([
      act(admin.id, "POST", base, 200),
      act(ada.id, "PUT", `${base}/${userid}`, 403),
      act(admin.id, "DELETE", `${base}/${userid}`, 200),
    ]);
    expect(JSON.stringify(site.logged)).not.toContain("s3cret");
  });

  describe.each([1, 2] as const)("over OCS v%i", (version) => {
    const options = { version };
    const well = { status: 200, meta: { status: "ok", statuscode: version === 1 ? 100 : 200 } };
    const refused = (status: number, statuscode = status) => ({
      status: version === 1 ? 200 : status,
      meta: { status: "failure", statuscode },
      data: [],
    });

    test("[B.8.3] a user is created, who can sign in with the id exactly as given", async () => {
      const userid = `${fresh()}@Exämple`.replace("ä", "a");
      const made = await admin.post("/cloud/users", { userid, password: "1" }, options);
      expect(made).toMatchObject({ ...well, data: { id: userid } });
      const basic = Buffer.from(`${userid}:1`).toString("base64");
      const client = clientOf(site.http, { Authorization: `Basic ${basic}` });
      expect(await client.get("/room", {}, options)).toMatchObject({ ...well, data: [] });
      expect(await client.get(`/cloud/users/${encodeURIComponent(userid)}`, {}, options)).toMatchObject({
        ...well,
        data: { id: userid, displayname: userid, enabled: true, groups: [] },
      });
    });

    test("[B.8.2] ids of users and groups are taken and shown exactly as given, of 1 to 64 characters", async () => {
      const letter = String.fromCharCode("a".charCodeAt(0) + count++);
      const longest = `${letter}${version}-B_c.D@9`.padEnd(64, "Zz0");
      for (const id of [version === 1 ? letter : letter.toUpperCase(), longest]) {
        expect(await admin.post("/cloud/users", { userid: id, password: "1" }, options)).toMatchObject(well);
        expect(await admin.post("/cloud/groups", { groupid: id }, options)).toMatchObject(well);
        await admin.post(`/cloud/users/${id}/groups`, { groupid: id }, options);
        const shown = await admin.get(`/cloud/users/${id}`, {}, options);
        expect(shown).toMatchObject({ ...well, data: { id, groups: [id] } });
        const { data: room } = await ada.post("/room", { roomType: 2, invite: id });
        expect(room).toMatchObject({ name: id, participants: { [id]: { type: 3 } } });
      }
      for (const id of [`${longest}x`, "", "a/b", "ü", "a b", "a:b"]) {
        const user = await admin.post("/cloud/users", { userid: id, password: "1" }, options);
        expect(user, id).toMatchObject(refused(400));
        expect(await admin.post("/cloud/groups", { groupid: id }, options), id).toMatchObject(refused(400));
      }
    });

    test("administrators list users and groups, page by page, and who is in a group", async () => {
      const [b, a, group] = [`list-b-${fresh()}`, `list-a-${fresh()}`, `Group-${fresh()}`];
      for (const userid of [b, a]) await admin.post("/cloud/users", { userid, password: "1" }, options);
      expect(await admin.get(`/cloud/groups/${group}`, {}, options)).toMatchObject(refused(404));
      await admin.post("/cloud/groups", { groupid: group }, options);
      const list = (path: string, parameters = {}) => admin.get(path, parameters, options);
      expect(await list(`/cloud/groups/${group}`)).toMatchObject({ ...well, data: { users: [] } });
      for (const id of [a, b]) await admin.post(`/cloud/users/${id}/groups`, { groupid: group }, options);
      for (const path of [`/cloud/groups/${group}`, `/cloud/groups/${group}/users`]) {
        const { data } = await list(path);
        expect(data.users.sort()).toEqual([a, b]);
      }
      expect(await list("/cloud/groups", { search: group.toLowerCase() })).toMatchObject({
        ...well,
        data: { groups: [group] },
      });
      const users = async (parameters: object) => (await list("/cloud/users", parameters)).data.users;
      expect(await users({})).toEqual(expect.arrayContaining([a, b, admin.id]));
      const search = { search: "LIST-" };
      const all = await users(search);
      expect(await users({ ...search, limit: 1, offset: 1 })).toEqual(all.slice(1, 2));
      expect(await list("/cloud/users", { limit: 1_001 })).toMatchObject(refused(400));
      for (const path of ["/cloud/users", "/cloud/groups", `/cloud/groups/${group}`]) {
        expect(await ada.get(path, {}, options), path).toMatchObject(refused(403));
      }
    });

    test("[B.8.3] an existing user is 102, a wrong id or no password 400", async () => {
      expect(await admin.post("/cloud/users", { userid: ada.id, password: "x" }, options)).toMatchObject(
        refused(400, 102),
      );
      for (const parameters of [{ userid: "a b", password: "x" }, { userid: fresh() }, { password: "x" }]) {
        expect(await admin.post("/cloud/users", parameters, options)).toMatchObject(refused(400));
      }
    });

    test("[B.8.3] a user is seen by administrators and by oneself, 404 when unknown", async () => {
      for (const client of [admin, ada]) {
        const answer = await client.get(`/cloud/users/${ada.id}`, {}, options);
        expect(answer).toMatchObject({
          ...well,
          data: { id: ada.id, displayname: "Ada", "display-name": "Ada" },
        });
      }
      expect(await admin.get("/cloud/users/nobody-at-all", {}, options)).toMatchObject(refused(404));
      expect(await ada.get(`/cloud/users/${admin.id}`, {}, options)).toMatchObject(refused(403));
      expect(await site.guest().get(`/cloud/users/${ada.id}`, {}, options)).toMatchObject(refused(401, 997));
    });

    test("[B.8.3] the display name is changed, and shows in rooms", async () => {
      const ben = await site.person("Before");
      const token = await makeRoom(ada, { people: [ben] });
      const change = { key: "displayname", value: "بعد 🙂" };
      expect(await admin.put(`/cloud/users/${ben.id}`, change, options)).toMatchObject(well);
      expect((await ada.get(`/room/${token}`)).data.participants[ben.id].name).toBe("بعد 🙂");
      expect(await admin.put(`/cloud/users/${ben.id}`, { key: "quota", value: "1" }, options)).toMatchObject(
        refused(400),
      );
      expect(await admin.put("/cloud/users/nobody-at-all", change, options)).toMatchObject(refused(404));
    });

    test("[B.8.3] a user is deleted, once", async () => {
      const ben = await site.person();
      expect(await admin.delete(`/cloud/users/${ben.id}`, {}, options)).toMatchObject(well);
      expect(await admin.delete(`/cloud/users/${ben.id}`, {}, options)).toMatchObject(refused(404));
      expect(await ben.get("/room", {}, options)).toMatchObject(refused(401, 997));
    });

    test("[B.8.3] groups are created, filled, invited and deleted", async () => {
      const groupid = fresh();
      expect(await admin.post("/cloud/groups", { groupid }, options)).toMatchObject(well);
      expect(await admin.post("/cloud/groups", { groupid }, options)).toMatchObject(refused(400, 102));
      for (const _ of [1, 2]) {
        expect(await admin.post(`/cloud/users/${ada.id}/groups`, { groupid }, options)).toMatchObject(well);
      }
      expect((await admin.get(`/cloud/users/${ada.id}`, {}, options)).data.groups).toEqual([groupid]);
      const { data: room } = await admin.post("/room", { roomType: 2, invite: groupid }, options);
      expect(Object.keys(room.participants)).toEqual([admin.id, ada.id]);
      const unknown = { groupid: "no-group" };
      expect(await admin.post(`/cloud/users/${ada.id}/groups`, unknown, options)).toMatchObject(refused(404));
      expect(await admin.delete(`/cloud/groups/${groupid}`, {}, options)).toMatchObject(well);
      expect(await admin.delete(`/cloud/groups/${groupid}`, {}, options)).toMatchObject(refused(404));
      expect((await admin.get(`/cloud/users/${ada.id}`, {}, options)).data.groups).toEqual([]);
    });

    test.each([
      ["POST", "/cloud/users", { userid: "x", password: "x" }],
      ["PUT", "/cloud/users/{ada}", { key: "displayname", value: "x" }],
      ["DELETE", "/cloud/users/{ada}", {}],
      ["POST", "/cloud/users/{ada}/groups", { groupid: "x" }],
      ["POST", "/cloud/groups", { groupid: "x" }],
      ["DELETE", "/cloud/groups/x", {}],
    ])("[B.8.1] %s %s is for administrators only", async (method, path, parameters) => {
      const at = path.replace("{ada}", ada.id);
      expect(await ada.call(method, at, parameters, options)).toMatchObject(refused(403));
      expect(await site.guest().call(method, at, parameters, options)).toMatchObject(refused(401, 997));
    });
  });

  test("[One domain] an administrator has no power over rooms here", async () => {
    const token = await makeRoom(ada, { type: 2 });
    expect((await admin.get(`/room/${token}`)).status).toBe(404);
    expect((await admin.delete(`/room/${token}`)).status).toBe(404);
  });
});
