/** People and groups of other organizations are answered as those that do not exist: names can't be probed for. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { type Answer, makeRoom, openSite, type Person, type Site } from "./site.ts";

describeWith("postgres", "names that do not exist for the caller", ({ postgres }) => {
  let site: Site;
  let ada: Person;
  let mate: Person;
  let foreign: Person;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    const { directory } = site.useCases;
    const [own, other] = [
      await directory.createOrganization({ name: "Own" }),
      await directory.createOrganization({ name: "Other" }),
    ];
    ada = await site.person("Ada", { organization: own.id });
    mate = await site.person("Mate", { organization: own.id });
    foreign = await site.person("Eve", { organization: other.id });
    await directory.putGroup("theirs", { name: "Theirs", members: [foreign.id] });
    await directory.putGroup("ours", { name: "Ours", members: [mate.id] });
  });
  afterAll(() => site?.close());

  const said = ({ status, meta, data }: Answer, name: string) => ({
    status,
    meta: JSON.stringify(meta).replaceAll(name, "?"),
    data,
  });

  const probes: [string, (token: string, name: string) => Promise<Answer>][] = [
    ["a one-to-one room", (_, invite) => ada.post("/room", { roomType: 1, invite })],
    ["an invitation", (token, newParticipant) => ada.post(`/room/${token}/participants`, { newParticipant })],
    ["a promotion", (token, participant) => ada.post(`/room/${token}/moderators`, { participant })],
    ["a demotion", (token, participant) => ada.delete(`/room/${token}/moderators`, { participant })],
    ["a removal", (token, participant) => ada.delete(`/room/${token}/participants`, { participant })],
  ];
  test.each(probes)("%s tells no foreign handle from one that is nobody's", async (_, probe) => {
    const token = await makeRoom(ada, { type: 3 });
    const nobody = `nobody-${randomUUID()}`;
    const unknown = await probe(token, nobody);
    expect(unknown.status).toBe(404);
    expect(said(await probe(token, foreign.id), foreign.id)).toEqual(said(unknown, nobody));
  });

  const groupProbes: [string, (token: string, name: string) => Promise<Answer>][] = [
    ["a group room", (_, invite) => ada.post("/room", { roomType: 2, invite })],
    [
      "an invitation",
      (token, newParticipant) =>
        ada.post(`/room/${token}/participants`, { newParticipant, source: "groups" }),
    ],
  ];
  test.each(groupProbes)("%s tells no foreign group from one that does not exist", async (_, probe) => {
    const token = await makeRoom(ada, { type: 3 });
    const unknown = await probe(token, "none");
    expect(unknown.status).toBe(404);
    expect(said(await probe(token, "theirs"), "theirs")).toEqual(said(unknown, "none"));
    expect((await probe(token, "ours")).status).toBeLessThan(300);
  });

  test("Protocol tells no foreign handle from one that is nobody's, to members least of all", async () => {
    const call = async (who: Person, method: string, path: string, json: unknown) => {
      const answer = await site.http(
        new Request(`http://127.0.0.1/v1${path}`, {
          method,
          headers: { Authorization: `Bearer ${who.token}`, "Content-Type": "application/json" },
          body: JSON.stringify(json),
        }),
        { ip: "192.0.2.1" },
      );
      return { status: answer.status, text: await answer.text() };
    };
    const nobody = `nobody-${randomUUID()}`;
    const made = await call(ada, "POST", "/groups", { name: "Group", contacts: [mate.id] });
    const { id } = JSON.parse(made.text);
    const probe = async (name: string) => [
      await call(ada, "POST", "/groups", { name: "Another", contacts: [name] }),
      await call(ada, "PUT", `/groups/${id}`, { contacts: [mate.id, name] }),
      await call(mate, "PUT", `/groups/${id}`, { contacts: [name] }),
      await call(ada, "POST", "/conversations", { contact_id: name }),
      await call(ada, "POST", "/contacts", { username: name, phone_number: "+49 1" }),
    ];
    const unknown = await probe(nobody);
    expect(unknown.map(({ status }) => status)).toEqual([404, 404, 403, 404, 404]);
    expect(await probe(foreign.id)).toEqual(unknown);
  });
});
