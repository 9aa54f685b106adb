/** What the store promises about people, organizations, credentials and pictures. */
import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Login, LoginStore } from "../../../src/domain/ports/store/accounts/credentials.ts";
import type { NewUser } from "../../../src/domain/ports/store/accounts/users.ts";
import type { Store } from "../../../src/domain/ports/store/store.ts";
import { createPerson, createRoom, newRoom } from "../fixtures.ts";

export function accountContract(store: () => Store): void {
  describe("users", () => userContract(store));
  describe("organizations, groups and events", () => organizationContract(store));
  describe("credentials", () => credentialContract(store));
  describe("avatars", () => avatarContract(store));
}

const HOUR = 3_600_000;

type LoginInput = Parameters<LoginStore["create"]>[0];

function newUser(more: Partial<NewUser> = {}): NewUser {
  const handle = `h-${randomUUID()}`;
  return { handle, displayName: "Ada", email: null, passwordHash: null, administrator: false, ...more };
}

function userContract(store: () => Store): void {
  const create = (input: NewUser) => store().transaction((tx) => tx.users.create(input));

  test("are found by id, handle and login, whatever the case", async () => {
    const name = randomUUID();
    const user = await create(
      newUser({ handle: `Ä-${name}`, email: `Ö-${name}@x.org`, passwordHash: "hash" }),
    );
    expect(user.publicId).toMatch(/^[A-Za-z0-9]{16}$/);
    expect(user.uuid).toMatch(/^[0-9a-f-]{36}$/);
    expect(user).not.toHaveProperty("passwordHash");
    expect(await store().users.byId(user.id)).toEqual(user);
    expect(await store().users.byHandle(`ä-${name.toUpperCase()}`)).toEqual(user);
    const place = randomBytes(32);
    const found = { user, passwordHash: "hash", version: 1, placeSeenAt: null };
    expect(await store().logins.userForLogin(`ä-${name}`, place)).toEqual(found);
    expect(await store().logins.userForLogin(`ö-${name}@X.ORG`, place)).toEqual(found);
    expect(await store().logins.userForLogin("nobody", place)).toBeNull();
    expect(await store().users.byIds([0, user.id])).toEqual([user]);
    const [listed] = await store().users.list({ limit: 1, after: user.id - 1 });
    expect(listed).toEqual(user);
  });

  test("have handles and e-mails of their own", async () => {
    const [name, email] = [`n-${randomUUID()}`, `${randomUUID()}@x.org`];
    await create(newUser({ handle: name, email }));
    const other = await create(newUser());
    const conflict = (field: string) => ({ code: "conflict", field });
    await expect(create(newUser({ handle: name.toUpperCase() }))).rejects.toMatchObject(conflict("handle"));
    await expect(create(newUser({ email: email.toUpperCase() }))).rejects.toMatchObject(conflict("email"));
    const rename = store().transaction((tx) => tx.users.update(other.id, { handle: name }));
    await expect(rename).rejects.toMatchObject(conflict("handle"));
  });

  test("change, and their rooms show the new name", async () => {
    const room = await createRoom(store());
    const { id, key } = room.people[0]!;
    const version = await store().users.version(id);
    const patch = { displayName: "New", email: `${randomUUID()}@x.org`, administrator: true };
    const updated = await store().transaction((tx) => tx.users.update(id, patch));
    expect(updated).toMatchObject(patch);
    expect((await store().roomLists.list(key))[0]?.membership.name).toBe("New");
    expect(await store().users.version(id)).toBe(version! + 1);
    expect(await store().transaction((tx) => tx.users.update(0, patch))).toBeNull();
  });

  test("once deleted are nowhere, and free their handle and e-mail", async () => {
    const input = newUser({ email: `${randomUUID()}@x.org`, passwordHash: "x" });
    const user = await create(input);
    const hash = randomBytes(32);
    await store().tokens.create({
      userId: user.id,
      organizationId: null,
      name: "t",
      expiresAt: null,
      hash,
    });
    const remove = () => store().transaction((tx) => tx.users.delete(user.id));
    expect(await store().users.handleDeletedAt(input.handle)).toBeNull();
    expect(await remove()).toBe(true);
    expect(await remove()).toBe(false);
    expect(await store().users.byId(user.id)).toBeNull();
    expect(await store().users.byIds([user.id])).toEqual([]);
    expect(await store().logins.userForLogin(input.handle, hash)).toBeNull();
    expect(await store().tokens.byHash(hash)).toBeNull();
    expect(Math.abs((await store().users.handleDeletedAt(input.handle))! - Date.now())).toBeLessThan(60_000);
    const next = await create(input);
    expect(next.id).not.toBe(user.id);
  });
}

function organizationContract(store: () => Store): void {
  test("have users with roles", async () => {
    const [a, b] = [await createPerson(store()), await createPerson(store())];
    const organization = await store().transaction(async (tx) => {
      const made = await tx.organizations.create("Org");
      await tx.organizations.putUser(made.id, a.id, "member");
      await tx.organizations.putUser(made.id, b.id, "chat");
      await tx.organizations.putUser(made.id, a.id, "admin");
      expect((await tx.organizations.users(made.id)).map(({ role }) => role)).toEqual(["admin", "chat"]);
      expect(await tx.organizations.lock(made.id)).toEqual(made);
      return made;
    });
    const { id } = organization;
    expect(await store().organizations.byId(id)).toEqual(organization);
    expect(await store().organizations.role(id, a.id)).toBe("admin");
    expect(await store().organizations.role(id, 0)).toBeNull();
    expect(await store().organizations.of(b.id)).toEqual([{ organization, role: "chat" }]);
    expect((await store().organizations.users(id)).map(({ user }) => user.id)).toEqual([a.id, b.id]);
    const [listed] = await store().organizations.list({ limit: 1, after: id - 1 });
    expect(listed).toEqual(organization);
    const left = await store().transaction(async (tx) => [
      await tx.organizations.removeUser(id, b.id),
      await tx.organizations.removeUser(id, b.id),
    ]);
    expect(left).toEqual([true, false]);
    const unknown = store().transaction((tx) => tx.organizations.putUser(id, 0, "member"));
    await expect(unknown).rejects.toMatchObject({ code: "not_found" });
  });

  test("keep the events that their back office tells", async () => {
    const [a, b] = [await createPerson(store()), await createPerson(store())];
    const { id } = await store().transaction((tx) => tx.organizations.create("Org"));
    const event = {
      organizationId: id,
      eventId: 5,
      name: "Party",
      endsAt: null,
      acceptedUsers: [a.id, b.id],
    };
    await store().transaction((tx) => tx.organizations.putEvent(event));
    expect(await store().organizations.event(id, 5)).toEqual(event);
    const changed = { ...event, name: "Ball", endsAt: 7, acceptedUsers: [b.id] };
    await store().transaction((tx) => tx.organizations.putEvent(changed));
    expect(await store().organizations.event(id, 5)).toEqual(changed);
    expect(await store().transaction((tx) => tx.organizations.deleteEvent(id, 5))).toBe(true);
    expect(await store().transaction((tx) => tx.organizations.deleteEvent(id, 5))).toBe(false);
    expect(await store().organizations.event(id, 5)).toBeNull();
  });

  test("go with their users' roles, tokens and events, but not with rooms", async () => {
    const person = await createPerson(store());
    const { id } = await store().transaction(async (tx) => {
      const made = await tx.organizations.create("Org");
      await tx.organizations.putUser(made.id, person.id, "member");
      await tx.organizations.putEvent({
        organizationId: made.id,
        eventId: 1,
        name: "E",
        endsAt: null,
        acceptedUsers: [],
      });
      return made;
    });
    const room = await store().transaction((tx) =>
      tx.createRoom({
        ...{ organizationId: id, type: "group", kind: "default", name: "All", history: "joined" },
        createdBy: "s:causeway",
      }),
    );
    const remove = () => store().transaction((tx) => tx.organizations.delete(id));
    await expect(remove()).rejects.toMatchObject({ code: "conflict" });
    await store().transaction(async (tx) => {
      await tx.lockRooms([room.id]);
      await tx.deleteRoom(room.id);
    });
    expect(await remove()).toBe(true);
    expect(await remove()).toBe(false);
    expect(await store().organizations.of(person.id)).toEqual([]);
  });

  test("groups are replaced as a whole", async () => {
    const [a, b] = [await createPerson(store()), await createPerson(store())];
    const id = `staff ${randomUUID()}`;
    await store().groups.put({ id, name: "Staff", members: [b.id, a.id] });
    expect(await store().groups.byId(id)).toEqual({ id, name: "Staff", members: [a.id, b.id] });
    await store().groups.put({ id, name: "Team", members: [] });
    expect(await store().groups.byId(id)).toEqual({ id, name: "Team", members: [] });
    expect(await store().groups.delete(id)).toBe(true);
    expect(await store().groups.delete(id)).toBe(false);
    expect(await store().groups.byId(id)).toBeNull();
  });
}

function credentialContract(store: () => Store): void {
  test("a token stands for its user or organization until it expires or is revoked", async () => {
    const person = await createPerson(store());
    const organization = await store().transaction((tx) => tx.organizations.create("Org"));
    const create = async (input: { userId?: number; organizationId?: number; expiresAt?: number }) => {
      const hash = randomBytes(32);
      const { userId = null, organizationId = null, expiresAt = null } = input;
      const token = await store().tokens.create({
        userId,
        organizationId,
        name: "t",
        expiresAt,
        hash,
      });
      return { hash, token };
    };
    const personal = await create({ userId: person.id, expiresAt: Date.now() + HOUR });
    const api = await create({ organizationId: organization.id });
    const old = await create({ userId: person.id, expiresAt: Date.now() - HOUR });
    const version = (await store().users.version(person.id))!;
    const user = await store().users.byId(person.id);
    expect(await store().tokens.byHash(personal.hash)).toEqual({
      ...{ token: personal.token, user, organization: null, version, blocked: [] },
    });
    expect(await store().tokens.byHash(api.hash)).toEqual({
      ...{ token: api.token, user: null, organization, version: 0 },
    });
    expect(await store().tokens.byHash(old.hash)).toBeNull();
    expect(await store().tokens.byHash(randomBytes(32))).toBeNull();
    const listed = await store().tokens.list({ limit: 2, after: personal.token.id - 1 });
    expect(listed).toEqual([personal.token, api.token]);
    const invalid = () =>
      store().credentials.invalid({
        tokens: [personal.token.id, old.token.id, 0].map((id) => ({ id, userId: person.id })),
        logins: [],
        users: [{ id: person.id, uuid: user!.uuid }],
      });
    expect(await invalid()).toEqual({ tokenIds: [old.token.id, 0], loginIds: [], userUuids: [], ended: [] });
    expect(await store().tokens.delete(personal.token.id)).toEqual(personal.token);
    expect(await store().tokens.delete(personal.token.id)).toBeNull();
    expect(await store().users.version(person.id)).toBe(version + 1);
    expect((await invalid()).tokenIds).toEqual([personal.token.id, old.token.id, 0]);
    await expect(create({ userId: 0 })).rejects.toMatchObject({ code: "not_found", field: "userId" });
  });

  test("a login lives until it ends, expires, or its user is deleted", async () => {
    const person = await createPerson(store());
    const create = async (expiresAt: number) => {
      const hash = randomBytes(32);
      return { hash, login: await newLogin(store(), { userId: person.id, hash, expiresAt }) };
    };
    const [live, second, old] = [
      await create(Date.now() + HOUR),
      await create(Date.now() + HOUR),
      await create(Date.now() - HOUR),
    ];
    const user = await store().users.byId(person.id);
    expect(await store().logins.byHash(live.hash)).toEqual({ ...live.login, user });
    expect(await store().logins.byHash(old.hash)).toBeNull();
    expect(await store().logins.delete(second.login.id)).toBe(true);
    expect(await store().logins.delete(second.login.id)).toBe(false);
    expect(await store().credentials.deleteExpired(Date.now())).toBeGreaterThanOrEqual(1);
    const loginIds = [live, second, old].map(({ login }) => login.id);
    const invalid = () =>
      store().credentials.invalid({
        tokens: [],
        logins: loginIds.map((id) => ({ id, userId: person.id })),
        users: [user!],
      });
    expect((await invalid()).loginIds).toEqual([second.login.id, old.login.id]);
    await store().transaction((tx) => tx.users.delete(person.id));
    expect(await store().logins.byHash(live.hash)).toBeNull();
    expect(await invalid()).toEqual({ tokenIds: [], loginIds, userUuids: [user!.uuid], ended: [] });
  });

  test("credentials are not valid for somebody else, to whom a restore gave the id of their user or their own", async () => {
    const [ada, other] = [await createPerson(store()), await createPerson(store())];
    const { uuid } = (await store().users.byId(ada.id))!;
    const login = await newLogin(store(), { userId: ada.id });
    const token = await store().tokens.create({
      ...{ userId: ada.id, organizationId: null, name: "t", expiresAt: null, hash: randomBytes(32) },
    });
    const invalid = (userId: number, as: string) =>
      store().credentials.invalid({
        tokens: [{ id: token.id, userId }],
        logins: [{ id: login.id, userId }],
        users: [{ id: ada.id, uuid: as }],
      });
    expect(await invalid(ada.id, uuid)).toEqual({ tokenIds: [], loginIds: [], userUuids: [], ended: [] });
    const stranger = randomUUID();
    expect(await invalid(other.id, stranger)).toEqual({
      ...{ tokenIds: [token.id], loginIds: [login.id], userUuids: [stranger], ended: [] },
    });
  });

  test("a login is renewed once, by whoever has its secret", async () => {
    const person = await createPerson(store());
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const login = await newLogin(store(), { userId: person.id, hash: first });
    const expiresAt = Date.now() + 2 * HOUR;
    const renew = (from: Uint8Array, hash: Uint8Array) =>
      store().logins.renew(login.id, { from, hash, expiresAt });
    expect(await renew(first, second)).toBe(true);
    expect(await renew(first, randomBytes(32))).toBe(false);
    expect(await store().logins.byHash(first)).toBeNull();
    expect(await store().logins.byHash(second)).toMatchObject({ ...login, expiresAt });
  });

  test("no login begins with a password that is none any more", async () => {
    const user = await store().transaction((tx) => tx.users.create(newUser({ passwordHash: "old" })));
    const change = { userId: user.id, passwordHash: "old" };
    await newLogin(store(), change);
    await store().transaction((tx) => tx.users.update(user.id, { passwordHash: "new" }));
    expect(await store().logins.create(loginInput(change))).toBeNull();
    await newLogin(store(), { userId: user.id, passwordHash: "new" });
    await store().transaction((tx) => tx.users.delete(user.id));
    expect(await store().logins.create(loginInput({ ...change, passwordHash: null }))).toBeNull();
  });

  test("all logins of a user end at once, and are told of by when; tokens stay", async () => {
    const [ada, ben] = [await createPerson(store()), await createPerson(store())];
    const user = (await store().users.byId(ada.id))!;
    const logins = [await newLogin(store(), { userId: ada.id }), await newLogin(store(), { userId: ada.id })];
    const others = await newLogin(store(), { userId: ben.id });
    const place = randomBytes(32);
    await store().logins.notePlace(ada.id, place);
    const token = await store().tokens.create({
      ...{ userId: ada.id, organizationId: null, name: "t", expiresAt: null, hash: randomBytes(32) },
    });
    const version = (await store().users.version(ada.id))!;
    const end = (id: number) => store().transaction((tx) => tx.users.endLogins(id));
    expect(await end(ada.id)).toBe(true);
    expect(await end(0)).toBe(false);
    expect(await store().users.version(ada.id)).toBe(version + 1);
    const owned = (id: number, userId: number) => ({ id, userId });
    const invalid = await store().credentials.invalid({
      tokens: [owned(token.id, ada.id)],
      logins: [...logins.map(({ id }) => owned(id, ada.id)), owned(others.id, ben.id)],
      users: [user],
      dated: [ada.id, ben.id],
    });
    const { loginsEndedAt } = await store().logins.userForJwt(user.handle);
    expect(invalid).toEqual({
      ...{ tokenIds: [], loginIds: logins.map(({ id }) => id), userUuids: [] },
      ended: [{ userId: ada.id, at: loginsEndedAt }],
    });
    expect(await store().logins.userForLogin(user.handle, place)).toMatchObject({ placeSeenAt: null });
  });

  test("a user is known at the places of the last logins, twenty at most", async () => {
    const ada = await createPerson(store());
    const { handle } = (await store().users.byId(ada.id))!;
    const places = Array.from({ length: 21 }, () => randomBytes(32));
    for (const place of places) await store().logins.notePlace(ada.id, place);
    const known = [];
    for (const place of places)
      known.push((await store().logins.userForLogin(handle, place))!.placeSeenAt !== null);
    expect(known.filter(Boolean)).toHaveLength(20);
    expect(known.at(-1)).toBe(true);
    expect((await store().logins.userForLogin(handle, randomBytes(32)))!.placeSeenAt).toBeNull();
  });
}

function loginInput(more: { userId: number } & Partial<LoginInput>): LoginInput {
  const now = Date.now();
  return {
    ...{ hash: randomBytes(32), passwordHash: null, persistent: true, startedAt: now, expiresAt: now + HOUR },
    ...more,
  };
}

async function newLogin(store: Store, more: Parameters<typeof loginInput>[0]): Promise<Login> {
  const login = await store.logins.create(loginInput(more));
  expect(login).not.toBeNull();
  return login as Login;
}

function avatarContract(store: () => Store): void {
  const avatar = { bytes: randomBytes(100_000), mime: "image/png" };
  const make = () => store().transaction((tx) => tx.createRoom(newRoom({ avatar })));
  const picture = async (id: string | null) => await store().avatars.get(id ?? "");

  test("belong to one room each, also with the same bytes", async () => {
    const [one, two] = [await make(), await make()];
    expect(one.avatarId).not.toBe(two.avatarId);
    const kept = await picture(one.avatarId);
    expect(kept?.mime).toBe("image/png");
    expect(Buffer.from(kept?.bytes ?? []).equals(avatar.bytes)).toBe(true);
    expect(await picture("nothing")).toBeNull();
  });

  test("go when they are taken away, and with their room", async () => {
    const [one, two, three] = [await make(), await make(), await make()];
    await store().transaction(async (tx) => {
      await tx.lockRooms([one.id, two.id]);
      expect((await tx.updateRoom(one.id, { avatarId: null })).avatarId).toBeNull();
      await tx.deleteRoom(two.id);
    });
    expect([await picture(one.avatarId), await picture(two.avatarId)]).toEqual([null, null]);
    expect(await picture(three.avatarId)).not.toBeNull();
  });

  test("of a room that was not made in the end are not kept", async () => {
    let avatarId: string | null = null;
    const failed = store().transaction(async (tx) => {
      avatarId = (await tx.createRoom(newRoom({ avatar }))).avatarId;
      throw new Error("on purpose");
    });
    await expect(failed).rejects.toThrow("on purpose");
    expect(avatarId).not.toBeNull();
    expect(await picture(avatarId)).toBeNull();
  });
}
