/** matrix-nio, a client that nobody here wrote, joins with what the Messenger API hands out. */
import { expect, test } from "vitest";
import { freePort } from "./black-box/processes.ts";
import { matrixRoomId, messenger, provision } from "./black-box/provision.ts";
import { serverFleet } from "./black-box/server-process.ts";
import { SocketClient } from "./black-box/socket-client.ts";
import { describeWith } from "./services/need.ts";

interface Credentials {
  username: string;
  password: string;
}

describeWith(["synapseProgram", "nio"], "matrix-nio with the password of GetCredentials", ({ nio }) => {
  const fleet = serverFleet();

  test("finds the person's room, and talks with an app client under the person's own name", async () => {
    const matrixPort = String(await freePort());
    const server = await fleet.start({ MATRIX_HOMESERVER_URL: "", MATRIX_PORT: matrixPort });
    await server.untilReady();
    const site = await provision(server.url, ["ada", "ben"], 1);
    const [ada, ben] = site.people;
    const room = site.rooms[0]!;
    const app = new SocketClient("ada", ada!.token, "msgpack");
    await app.connect(server.url);
    const matrixRoom = await matrixRoomId(server.url, site, room);

    const { username, password } = await messenger<Credentials>(
      server.url,
      ben!.token,
      "GET",
      "user/credentials",
    );
    const homeserver = `http://127.0.0.1:${matrixPort}`;
    const client = await nio.startClient({ homeserver, user: username, password });
    await client.untilIn(matrixRoom);
    await app.send(room.token, "to-ben", "Hello, Ben 👋");
    const heard = await client.message(({ text }) => text === "Hello, Ben 👋");
    expect(heard).toMatchObject({ room: matrixRoom, senderName: ada!.name });

    await client.send(matrixRoom, "Hello, Ada שלום");
    const event = await app.message(room.token, "Hello, Ada שלום");
    expect(event.actor).toEqual({ kind: "user", id: String(ben!.id), name: ben!.name });
    expect(app.faults).toEqual([]);
    await client.close();
    await app.drop();
    await server.stop();
  }, 300_000);
});
