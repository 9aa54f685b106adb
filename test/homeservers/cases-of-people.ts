/** People, rooms, and what is beside the log; and the ends of bridge and homeserver. */
import { expect } from "vitest";
import { createBridgeStore } from "../../bridge/store/bridge-store.ts";
import { userKey } from "../../src/domain/model.ts";
import { until, type World } from "../bridge/world.ts";
import { as, type Case, fresh, inChat, inMatrix, membersOf, say } from "./case.ts";

const path = (matrixRoom: string) => `rooms/${encodeURIComponent(matrixRoom)}`;

async function strangerIn(world: World, invite: (id: string) => Promise<unknown>, matrixRoom: string) {
  const mel = await world.stranger();
  await invite(mel.id);
  await mel.join(matrixRoom);
  return mel;
}

const memberIds = async (world: World, roomId: number) =>
  (await world.store.memberships.list([roomId])).map(({ member }) => member);

export const OF_PEOPLE: Case[] = [
  {
    name: "people: who signs in is in their rooms, under their own name",
    run: async ({ world, here }) => {
      const { joined } = await here.client.rooms();
      expect(joined).toContain(here.matrixRoom);
      const profile = await here.client.ask<{ displayname: string }>(
        ...(["GET", `profile/${encodeURIComponent(world.ghosts.ofUser(here.ada.id))}`] as const),
      );
      expect(profile.displayname).toBe("Ada");
    },
  },
  {
    name: "people: leaving in Matrix is leaving the chatroom",
    run: async ({ world }) => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      await client.leave(matrixRoom);
      await until("Ada has left", async () => !(await memberIds(world, room.id)).includes(userKey(ada.id)));
    },
  },
  {
    name: "people: a removal in Matrix is one in the chat",
    run: async ({ world }) => {
      const { ben, room, matrixRoom, client } = await world.meeting();
      await client.ask("POST", `${path(matrixRoom)}/kick`, { user_id: world.ghosts.ofUser(ben.id) });
      await until("Ben is out", async () => !(await memberIds(world, room.id)).includes(userKey(ben.id)));
    },
  },
  {
    name: "people: a user who is invited in Matrix becomes a member",
    run: async ({ world }) => {
      const { room, matrixRoom, client } = await world.meeting();
      const cas = await world.user("Cas");
      await world.homeserver.ensureRegistered(world.ghosts.localpart(cas.id));
      await client.ask("POST", `${path(matrixRoom)}/invite`, { user_id: world.ghosts.ofUser(cas.id) });
      await until("Cas is in", async () => (await memberIds(world, room.id)).includes(userKey(cas.id)));
    },
  },
  {
    name: "people: a stranger who is invited joins, writes and leaves",
    run: async ({ world }) => {
      const { room, matrixRoom, client } = await world.meeting();
      const invite = (id: string) => client.ask("POST", `${path(matrixRoom)}/invite`, { user_id: id });
      const mel = await strangerIn(world, invite, matrixRoom);
      await mel.say(matrixRoom, "hello from elsewhere");
      await until("it is in the chat", async () =>
        (await world.texts(room)).some((text) => text.endsWith(": hello from elsewhere")),
      );
      await mel.leave(matrixRoom);
      await until("Mel is out", async () => !(await memberIds(world, room.id)).includes(`m:${mel.id}`));
    },
  },
  {
    name: "people: a stranger who is removed in the chat is out in Matrix",
    run: async ({ world }) => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      const invite = (id: string) => client.ask("POST", `${path(matrixRoom)}/invite`, { user_id: id });
      const mel = await strangerIn(world, invite, matrixRoom);
      await until("Mel is in", async () => (await memberIds(world, room.id)).includes(`m:${mel.id}`));
      const member = { kind: "matrix" as const, id: mel.id, name: "Mel" };
      await world.useCases.roomLifecycle.removeMember(as(ada), room.token, member);
      await until("Mel is out", async () => (await membersOf(client, matrixRoom)).get(mel.id) === "leave");
    },
  },
  {
    name: "people: the owner renames the room in Matrix",
    run: async ({ world }) => {
      const { room, matrixRoom, client } = await world.meeting();
      await client.ask("PUT", `${path(matrixRoom)}/state/m.room.name/`, { name: "From there" });
      await until(
        "it has the name",
        async () => (await world.store.rooms.byId(room.id))?.name === "From there",
      );
    },
  },
  {
    name: "live: who reads in the chat has a receipt in Matrix",
    run: async (site) => {
      const { world, here } = site;
      await createBridgeStore(world.store.sql).markMatrixAccount(here.ada.id);
      const text = fresh("to be read");
      const seq = await say(site, text);
      const { event_id: event } = await inMatrix(site, text);
      await world.useCases.messages.markRead(as(here.ada), here.room.token, seq);
      interface Sync {
        rooms?: { join?: Record<string, { ephemeral?: { events: { type: string; content: object }[] } }> };
      }
      await until("the receipt is there", async () => {
        const { rooms } = await here.client.ask<Sync>("GET", "sync?timeout=0");
        const events = rooms?.join?.[here.matrixRoom]?.ephemeral?.events ?? [];
        return events.some(({ type, content }) => type === "m.receipt" && event in content);
      });
    },
  },
  {
    name: "live: a receipt in Matrix moves the marker in the chat",
    run: async (site) => {
      const { world, here } = site;
      const text = fresh("read there");
      await say(site, text);
      const { event_id: event } = await inMatrix(site, text);
      await here.client.ask(
        "POST",
        `${path(here.matrixRoom)}/receipt/m.read/${encodeURIComponent(event)}`,
        {},
      );
      await until("nothing is unread", async () => {
        const [state] = await world.store.log.unread(here.room.id, [userKey(here.ada.id)]);
        return state?.unread === 0;
      });
    },
  },
  {
    name: "live: who types in the chat types in Matrix",
    run: async ({ world, here }) => {
      const account = world.ghosts.ofUser(here.ben.id);
      interface Sync {
        rooms?: {
          join?: Record<
            string,
            { ephemeral?: { events: { type: string; content: { user_ids?: string[] } }[] } }
          >;
        };
      }
      await until("Ben types", async () => {
        await world.useCases.presence.typing(as(here.ben), here.room.token, true, "session");
        const { rooms } = await here.client.ask<Sync>("GET", "sync?timeout=0");
        const events = rooms?.join?.[here.matrixRoom]?.ephemeral?.events ?? [];
        return events.some(({ type, content }) => type === "m.typing" && content.user_ids?.includes(account));
      });
    },
  },
  {
    name: "ends: a bridge that starts again goes on where it was",
    run: async (site) => {
      await site.world.bridge.stop();
      const text = fresh("while it was away");
      await say(site, text);
      await site.world.startBridge();
      await inMatrix(site, text);
    },
  },
  {
    name: "ends: what was written in Matrix while the bridge was away comes",
    run: async (site) => {
      await site.world.bridge.stop();
      const text = fresh("nobody listens");
      await site.here.client.say(site.here.matrixRoom, text);
      await site.world.startBridge();
      await inChat(site, text);
    },
  },
  {
    name: "ends: a homeserver that was killed, with messages of both sides",
    run: async (site) => {
      const [here, there] = [fresh("from the chat"), fresh("from Matrix")];
      await site.here.client.say(site.here.matrixRoom, there);
      await say(site, here);
      await site.restart();
      await inMatrix(site, here);
      await inChat(site, there);
      expect((await site.world.texts(site.here.room)).filter((text) => text.endsWith(there))).toHaveLength(1);
    },
  },
];
