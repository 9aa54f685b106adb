/** Who signed in with what Causeway hands out is notified in Matrix as anybody there is. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMatrixAccounts } from "../../../bridge/homeserver/accounts.ts";
import { makeSenderAdmin } from "../../../bridge/homeserver/sender-admin.ts";
import { createBridgeStore } from "../../../bridge/store/bridge-store.ts";
import { describeWith } from "../../services/need.ts";
import { matrixUser } from "../matrix-user.ts";
import { describeBridge, until } from "../world.ts";

interface Notification {
  event_id: string;
  room_id: string;
  content?: { body?: string };
  counts?: { unread?: number };
}

/** A gateway of a pusher: what Synapse tells it of. */
async function startGateway() {
  const told: Notification[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const { notification } = JSON.parse(body) as { notification: Notification };
      // Without an event it tells that the counts changed.
      if (notification.event_id) told.push(notification);
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"rejected":[]}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    told,
    url: `http://127.0.0.1:${port}/_matrix/push/v1/notify`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describeWith("nio", "notifications", ({ nio }) => {
  describeBridge("of people who signed in with Causeway's credentials", (world) => {
    let gateway: Awaited<ReturnType<typeof startGateway>>;
    beforeAll(async () => {
      gateway = await startGateway();
    });
    afterAll(() => gateway.close());

    test("three mentions in the chat are three notifications, three highlights, and three calls of the pusher", async () => {
      const { homeserver, ghosts, store } = world;
      const admin = await world.registerUser(`admin-of-${world.registration.prefix}`, "pw", true);
      await makeSenderAdmin(homeserver, { accessToken: admin.accessToken });
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const room = await world.group([ada, ben]);
      const matrixRoom = await world.mirrored(room);
      const accounts = createMatrixAccounts({
        ...{ homeserver, store: createBridgeStore(store.sql), provider: "synapse-admin" as const },
        logger: { warn() {} },
      });
      const { username, password } = await accounts.credentials(ben, { via: "jwt", expiresAt: 0 });
      const phone = await accounts.login(ben, "PHONE", { via: "jwt", expiresAt: 0 });
      await matrixUser(homeserver.baseUrl, phone.accessToken, ghosts.ofUser(ben.id)).ask(
        "POST",
        "pushers/set",
        {
          ...{
            kind: "http",
            app_id: "test.causeway",
            app_display_name: "Test",
            device_display_name: "Phone",
          },
          ...{ pushkey: "key", lang: "en", append: false, data: { url: gateway.url } },
        },
      );

      const client = await nio.startClient({ homeserver: homeserver.baseUrl, user: username, password });
      await client.untilIn(matrixRoom);
      for (const n of [1, 2, 3])
        await world.say(ada, room, `Ben, look at ${n}`, { mentions: [String(ben.id)] });
      await client.message(({ text }) => text.includes("look at 3"));
      const counts = { notifications: 3, highlights: 3 };
      await until("nio counts them", async () => {
        const counted = await client.counts(matrixRoom);
        return (counted.highlights ?? 0) >= 3 && counted;
      });
      expect(await client.counts(matrixRoom)).toEqual(counts);
      await until("the pusher was called for the third", async () => gateway.told.length >= 3);
      expect(gateway.told.map(({ content }) => content?.body?.slice(-9))).toEqual(
        [1, 2, 3].map((n) => `look at ${n}`),
      );
      expect(gateway.told.every(({ room_id: id }) => id === matrixRoom)).toBe(true);
      await client.close();
    });
  });
});
