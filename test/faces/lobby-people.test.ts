/** Who waits in a room's lobby sees nobody else who is in it, whatever the face. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { userActor } from "../../src/domain/model.ts";
import { NIL_UUID } from "../../src/http/wire/shapes/kinds.ts";
import { addOrg, addPerson, type Org, openSite, type Person, type Site } from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";

describeWith("postgres", "behind a closed lobby", ({ postgres }) => {
  let site: Site;
  let org: Org;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    org = await addOrg(site);
  });
  afterAll(() => site?.close());

  const bearer = (person: Person) => ({ Authorization: `Bearer ${person.auth["Personal-Access-Token"]}` });

  /** A chatroom of the owner's with two members, whose lobby is closed once all are in it. */
  async function shutRoom() {
    const [owner, member, other] = [
      await addPerson(site, org),
      await addPerson(site, org),
      await addPerson(site, org),
    ];
    const made = await site.client("POST", "/api/v1/chat/chatrooms", {
      headers: org.auth,
      json: {
        ...{ organizationID: org.id, name: `Room ${randomUUID()}`, admins: [owner.id] },
        assignedUsers: [member.id, other.id],
      },
    });
    const { id, token } = made.json;
    const { roomSettings, finding } = site.useCases;
    const { uuid, publicId } = (await finding.view(userActor(owner), { token })).room;
    await roomSettings.setLobby(userActor(owner), token, { on: true });
    return { owner, member, other, id, token, uuid, publicId };
  }

  type Shut = Awaited<ReturnType<typeof shutRoom>>;

  /** What each face answers somebody about the room, in one text each. */
  async function told({ id, token, uuid, publicId }: Shut, person: Person): Promise<Record<string, string>> {
    const headers = bearer(person);
    const ocs = { ...headers, "OCS-APIRequest": "true" };
    const talk = "/ocs/v2.php/apps/spreed/api/v1/room";
    const requests: Record<string, [string, Record<string, string>]> = {
      wire: [`/conversations/${uuid}`, headers],
      "wire's list": ["/conversations", headers],
      "wire's notifications": ["/notifications?size=1000", headers],
      protocol: [`/v1/groups/${publicId}`, headers],
      "protocol's list": ["/v1/groups", headers],
      "protocol's conversation": [`/v1/conversations/${publicId}`, headers],
      talk: [`${talk}/${token}?format=json`, ocs],
      "talk's list": [`${talk}?format=json`, ocs],
      messenger: [`/api/v1/chat/chatrooms/${id}`, person.auth],
      "messenger's list": [`/api/v1/chat/chatrooms?organization_id=${org.id}&all=true`, person.auth],
    };
    const answers = Object.entries(requests).map(async ([what, [path, sent]]) => {
      const { status, text } = await site.client("GET", path, { headers: sent });
      expect(status, what).toBe(200);
      return [what, text] as const;
    });
    return Object.fromEntries(await Promise.all(answers));
  }

  /** Messenger names people by their numbers alone. */
  function peopleIn(text: string, room: number): number[] {
    const answer = JSON.parse(text);
    const { admins, moderators, assignedUsers } =
      answer.entries?.find(({ id }: { id: number }) => id === room) ?? answer;
    return [admins, moderators, assignedUsers].flat();
  }

  /** The faces that tell `who` of `whom`. */
  async function telling(room: Shut, who: Person, whom: Person): Promise<string[]> {
    const names = [whom.uuid, whom.publicId, whom.handle, whom.displayName];
    return Object.entries(await told(room, who)).flatMap(([what, text]) => {
      const isListed = what.startsWith("messenger") && peopleIn(text, room.id).includes(whom.id);
      const isNamed = names.some((name) => new RegExp(`${name}\\b`).test(text));
      return isNamed || isListed ? [what] : [];
    });
  }

  test("a waiting member is told of nobody; a moderator, and once it opens everybody, is", async () => {
    const room = await shutRoom();
    const { owner, member, other, token, uuid } = room;
    expect(await telling(room, member, other)).toEqual([]);
    const late = await addPerson(site, org);
    const { roomLifecycle, roomSettings } = site.useCases;
    await roomLifecycle.addMembers(userActor(owner), token, [{ member: userActor(late), role: "user" }]);
    expect(await telling(room, member, late)).toEqual([]);
    expect(await telling(room, late, other)).toEqual([]);
    expect(await telling(room, owner, late)).toContain("wire's notifications");
    expect(await telling(room, owner, other)).toEqual(
      expect.arrayContaining(["wire", "protocol", "messenger"]),
    );
    await roomSettings.setLobby(userActor(owner), token, { on: false });
    const everywhere = ["wire", "wire's notifications", "protocol", "talk", "messenger"];
    expect(await telling(room, member, late)).toEqual(expect.arrayContaining(everywhere));
    const { json } = await site.client("GET", "/notifications?size=1000", { headers: bearer(late) });
    const last = json.notifications.at(-1).payload.at(-1);
    expect(last).toMatchObject({ type: "conversation.create", conversation: uuid });
    expect(last.data.members.others).toHaveLength(3);
  });

  test("a waiting member is not told who made the room", async () => {
    const [owner, member] = [await addPerson(site, org), await addPerson(site, org)];
    const { roomLifecycle, roomSettings, finding } = site.useCases;
    const made = await roomLifecycle.create(userActor(owner), {
      ...{ type: "group", name: `Room ${randomUUID()}` },
      members: [{ member: userActor(member), role: "user" }],
    });
    const { uuid } = (await finding.view(userActor(owner), { token: made.token })).room;
    const creator = async (person: Person) => {
      const headers = bearer(person);
      const { json } = await site.client("GET", `/conversations/${uuid}`, { headers });
      const list = await site.client("GET", "/conversations", { headers });
      const listed = list.json.conversations.find(({ id }: { id: string }) => id === uuid);
      expect(listed.creator).toBe(json.creator);
      return json.creator;
    };
    expect(await creator(member)).toBe(owner.uuid);
    await roomSettings.setLobby(userActor(owner), made.token, { on: true });
    expect([await creator(member), await creator(owner)]).toEqual([NIL_UUID, owner.uuid]);
    await roomSettings.setLobby(userActor(owner), made.token, { on: false });
    expect(await creator(member)).toBe(owner.uuid);
  });

  test("two who are added together while it is closed don't learn of each other", async () => {
    const room = await shutRoom();
    const [one, two] = [await addPerson(site, org), await addPerson(site, org)];
    const members = [one, two].map((person) => ({ member: userActor(person), role: "user" as const }));
    await site.useCases.roomLifecycle.addMembers(userActor(room.owner), room.token, members);
    expect(await telling(room, one, two)).toEqual([]);
    expect(await telling(room, two, one)).toEqual([]);
  });
});
