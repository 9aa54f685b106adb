/** Other people's profiles: /users (reference §A.2, the keys of a profile). */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSite, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";
import { addConversation, addLoner, addTeam, connect, DOMAIN, refused, type WirePerson } from "./site.ts";

describeWith("postgres", "Wire's profiles", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url);
  });
  afterAll(() => site?.close());
  const profile = ({ uuid, displayName, handle }: WirePerson, team?: string) => ({
    ...{ id: uuid, qualified_id: { id: uuid, domain: DOMAIN }, name: displayName, handle },
    ...{ picture: [], assets: [], accent_id: 0 },
    ...(team !== undefined && { team }),
  });
  const handlesFor = async (who: WirePerson, of: readonly WirePerson[]) => {
    const { json } = await who.call("GET", `/users?handles=${of.map(({ handle }) => handle).join(",")}`);
    return json.map(({ handle }: WirePerson) => handle).sort();
  };

  test("[A.2] a profile is what /self shows, without what is private", async () => {
    const { org, people } = await addTeam(site, 2);
    const [ada, bob] = people as [WirePerson, WirePerson];
    expect(await ada.call("GET", `/users/${bob.uuid}`)).toMatchObject({ status: 200 });
    expect((await ada.call("GET", `/users/${bob.uuid}`)).json).toEqual(profile(bob, org.uuid));
    const { email, locale, managed_by, privacy, ...own } = (await ada.call("GET", "/self")).json;
    expect((await bob.call("GET", `/users/${ada.uuid}`)).json).toEqual(own);
  });

  test("[A.2] profiles by ids are those who exist, in one answer", async () => {
    const { org, people } = await addTeam(site, 3);
    const [ada, bob, cy] = people as [WirePerson, WirePerson, WirePerson];
    const ids = [cy.uuid, bob.uuid.toUpperCase(), randomUUID()].join(",");
    const { status, json } = await ada.call("GET", `/users?ids=${ids}`);
    expect(status).toBe(200);
    expect(json).toEqual([bob, cy].map((one) => profile(one, org.uuid)));
  });

  test("a profile is for who knows them: by a team, a room, or a connection that they asked for or accepted", async () => {
    const [ada] = (await addTeam(site, 1)).people as [WirePerson];
    const [foreign, mate] = (await addTeam(site, 2)).people as [WirePerson, WirePerson];
    const sees = async (who: WirePerson, whom: WirePerson) => {
      const { status } = await who.call("GET", `/users/${whom.uuid}`);
      const { json } = await who.call("GET", `/users?ids=${whom.uuid}`);
      expect(json).toHaveLength(status === 200 ? 1 : 0);
      return status === 200;
    };
    const knows = async () => [await sees(ada, foreign), await sees(foreign, ada)];
    expect(await knows()).toEqual([false, false]);
    await ada.call("POST", "/connections", { user: foreign.uuid, name: "Hi" });
    expect(await knows()).toEqual([false, true]);
    await foreign.call("PUT", `/connections/${ada.uuid}`, { status: "accepted" });
    expect(await knows()).toEqual([true, true]);
    await addConversation([foreign, ada, mate]);
    expect([await sees(ada, mate), await sees(mate, ada)]).toEqual([true, true]);
  });

  test("who asks a stranger is not told their name", async () => {
    const [ada] = (await addTeam(site, 1)).people as [WirePerson];
    const [foreign] = (await addTeam(site, 1)).people as [WirePerson];
    await ada.call("POST", "/connections", { user: foreign.uuid, name: "Hi" });
    const told = async (who: WirePerson) => (await who.call("GET", "/notifications")).text;
    expect(await told(ada)).toContain(foreign.uuid);
    expect(await told(ada)).not.toContain(foreign.displayName);
    expect(await told(foreign)).toContain(ada.displayName);
    await foreign.call("PUT", `/connections/${ada.uuid}`, { status: "accepted" });
    expect(await told(ada)).toContain(foreign.displayName);
  });

  test("profiles by handles are those of people who exist for the caller", async () => {
    const [ada, mate] = (await addTeam(site, 2)).people as [WirePerson, WirePerson];
    const [foreign] = (await addTeam(site, 1)).people as [WirePerson];
    const [friend, loner, other] = [await addLoner(site), await addLoner(site), await addLoner(site)];
    await connect(ada, friend);
    const all = [ada, mate, foreign, friend, loner];
    expect(await handlesFor(ada, all)).toEqual([ada, mate, friend].map(({ handle }) => handle).sort());
    expect(await handlesFor(loner, [foreign, other])).toEqual([other.handle]);
  });

  test("unknown people are 404, bad and missing names 400, strangers 401", async () => {
    const ada = await addLoner(site);
    expect(await ada.call("GET", `/users/${randomUUID()}`)).toMatchObject(refused(404, "not-found"));
    const many = Array.from({ length: 501 }, () => randomUUID()).join(",");
    for (const query of ["", "?ids=x", "?ids=", "?handles=", "?handles=a,,b", `?ids=${many}`])
      expect(await ada.call("GET", `/users${query}`), query).toMatchObject(refused(400, "bad-request"));
    expect(await ada.call("GET", "/users/x")).toMatchObject(refused(400, "bad-request"));
    expect(await site.client("GET", `/users/${ada.uuid}`)).toMatchObject(refused(401, "invalid-credentials"));
  });
});
