/** Each organization is a space in Matrix. */
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { type Room, type User, userActor } from "../../../src/domain/model.ts";
import { describeBridge, until } from "../world.ts";

interface StateEvent {
  type: string;
  state_key: string;
  content: { via?: string[]; membership?: string };
}

describeBridge(
  "spaces of organizations",
  (world) => {
    const activate = (user: User) => createBridgeStore(world.store.sql).markMatrixAccount(user.id);
    const organization = async () =>
      await world.useCases.directory.createOrganization({ name: `Rescue ${randomUUID().slice(0, 4)}` });
    const spaceOf = async (id: number) =>
      await until("there is a space", async () => {
        const [row] = await world.store.sql<{ matrix_room_id: string | null; name: string }[]>`
          select matrix_room_id, name from bridge_spaces where organization_id = ${id}`;
        return row?.name !== "" && row?.matrix_room_id;
      });
    const stateOf = (matrixRoom: string) =>
      world.bot.ask<StateEvent[]>("GET", `rooms/${encodeURIComponent(matrixRoom)}/state`);
    const children = async (space: string) =>
      (await stateOf(space))
        .filter(({ type, content }) => type === "m.space.child" && content.via)
        .map(({ state_key }) => state_key)
        .toSorted();
    const memberships = async (space: string) =>
      Object.fromEntries(
        (await stateOf(space)).flatMap(({ type, state_key, content }) =>
          type === "m.room.member" ? [[state_key, content.membership]] : [],
        ),
      );
    const idOf = (user: User) => world.ghosts.ofUser(user.id);

    /** An organization with Ada, who may be signed in to Matrix, and Ben, who is not. */
    async function open() {
      const { id, name } = await organization();
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      for (const { id: user } of [ada, ben])
        await world.useCases.directory.putOrganizationUser(id, user, "member");
      const room = await group(id, [ada, ben]);
      const matrixRoom = await world.mirrored(room);
      await activate(ada);
      const space = await spaceOf(id);
      await until("the room is in it", async () => (await children(space)).includes(matrixRoom));
      return { id, name, ada, ben, room, matrixRoom, space };
    }
    const group = (organizationId: number, people: User[]): Promise<Room> =>
      world.group(people, { organizationId });

    test("have its rooms as children and name themselves as their parents; who is in Matrix is invited", async () => {
      const { id, name, ada, ben, matrixRoom, space } = await open();
      expect(await world.bot.state(space, "m.room.create")).toMatchObject({ type: "m.space" });
      expect(await world.bot.state(space, "m.room.name")).toEqual({ name });
      // The child is put first.
      const parent = await until("the room names its parent", () =>
        world.bot.state(matrixRoom, "m.space.parent", space),
      );
      expect(parent).toEqual({ via: [world.homeserver.serverName], canonical: true });
      await until("Ada is invited", async () => (await memberships(space))[idOf(ada)] === "invite");
      expect(await memberships(space)).toEqual({ [world.bot.id]: "join", [idOf(ada)]: "invite" });
      const client = await world.signIn(ada);
      await client.join(space);
      await expect(client.say(space, "hello")).rejects.toThrow("M_FORBIDDEN");
      const child = { via: ["elsewhere"] };
      const path = `rooms/${encodeURIComponent(space)}/state/m.space.child/!own`;
      await expect(client.ask("PUT", path, child)).rejects.toThrow("M_FORBIDDEN");
      // The chat of two is none of the organization's, though both are in it.
      await world.mirrored(await world.group([ada, ben], { type: "one_to_one", name: "" }));
      const later = await world.mirrored(await group(id, [ada]));
      await until("the new room is in it", async () => (await children(space)).includes(later));
      expect(await children(space)).toEqual([matrixRoom, later].toSorted());
    });

    test("follow: rooms that are deleted go, who signs in or comes is invited, who leaves is out", async () => {
      const { id, ada, ben, room, space } = await open();
      await activate(ben);
      await until("Ben is invited", async () => (await memberships(space))[idOf(ben)] === "invite");
      await world.useCases.directory.removeOrganizationUser(id, ben.id);
      await until("Ben is out", async () => (await memberships(space))[idOf(ben)] === "leave");
      await world.useCases.roomLifecycle.delete(userActor(ada), room.token);
      await until("the room is out", async () => (await children(space)).length === 0);
    });

    test("are not made where nobody is in Matrix, and never twice by a restart", async () => {
      const { id } = await organization();
      const cat = await world.user("Cat");
      await world.useCases.directory.putOrganizationUser(id, cat.id, "member");
      const room = await group(id, [cat]);
      const matrixRoom = await world.mirrored(room);
      const other = await open();
      expect(await world.store.sql`select from bridge_spaces where organization_id = ${id}`).toHaveLength(0);
      await world.bridge.stop();
      // As if the worker had died after it made the space, before it stored that.
      await world.store.sql`
        update bridge_spaces set matrix_room_id = null, name = '' where organization_id = ${other.id}`;
      await world.store.sql`delete from bridge_space_rooms where organization_id = ${other.id}`;
      await activate(cat);
      await world.startBridge();
      expect(await spaceOf(other.id)).toBe(other.space);
      const space = await spaceOf(id);
      await until("the room is in it", async () => (await children(space)).includes(matrixRoom));
      await until("the other's is in its own", async () => (await children(other.space)).length === 1);
    });

    test("are made again when an administrator deleted them, and emptied with their organization", async () => {
      const { id, ada, matrixRoom, space } = await open();
      const { accessToken } = await world.registerUser(`admin-${randomUUID()}`, "password", true);
      const path = `/_synapse/admin/v1/rooms/${encodeURIComponent(space)}`;
      const deleted = await fetch(world.homeserver.baseUrl + path, {
        method: "DELETE",
        headers: { authorization: `Bearer ${accessToken}` },
        body: JSON.stringify({ purge: true }),
      });
      expect(deleted.status).toBe(200);
      const next = await until("there is another", async () => {
        const now = await spaceOf(id);
        return now !== space && now;
      });
      await until("the room is in it", async () => (await children(next)).includes(matrixRoom));
      await until("Ada is invited", async () => (await memberships(next))[idOf(ada)] === "invite");
      await until("the room names it", () => world.bot.state(matrixRoom, "m.space.parent", next));
      await world.useCases.directory.deleteOrganization(id);
      await until("the space is gone", async () => {
        const rows = await world.store.sql`select from bridge_spaces where organization_id = ${id}`;
        return rows.length === 0;
      });
      expect((await world.bot.rooms()).joined).not.toContain(next);
    });
  },
  { scanMs: 300, reconcileMs: 1_000 },
);
