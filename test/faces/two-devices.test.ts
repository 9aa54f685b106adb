/** Two devices of one person, on two faces and two gateways: what one does never ends what the other has. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Server, startServer } from "../../src/app/server.ts";
import { readConfig } from "../../src/config.ts";
import { SocketClient } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";
import { DEVICES, type Device, type FaceName, type Look, type Place } from "./devices.ts";
import { ADMIN_TOKEN, bearer, must } from "./site.ts";

const FACES = Object.keys(DEVICES) as FaceName[];
const PAIRS = FACES.flatMap((acting) =>
  FACES.filter((other) => other !== acting).map((other) => [acting, other] as const),
);

describeWith(["postgres", "redis"], "two devices of one person", ({ postgres, redis }) => {
  const dataDir = mkdtempSync(join(tmpdir(), "causeway-devices-"));
  const servers: Server[] = [];
  const devices: Device[] = [];
  let watcher: SocketClient;
  let watching: { token: string };
  let owner: { id: number; token: string };

  beforeAll(async () => {
    for (const name of ["one", "two"]) {
      const config = readConfig({
        ...{ PORT: "0", DATA_DIR: join(dataDir, name), DATABASE_URL: postgres.url, REDIS_URL: redis.url },
        ...{ ADMIN_TOKEN, MATRIX_HOMESERVER_URL: "off", RATE_LIMITS: "off", DEMO: "off", LOG_LEVEL: "warn" },
      });
      servers.push(await startServer(config, () => {}));
    }
    owner = await newPerson("Olga");
    watcher = new SocketClient("watcher", owner.token, "json");
    await watcher.connect(urlOf(0));
  }, 60_000);
  afterAll(async () => {
    await Promise.all([watcher?.drop(), ...devices.map((device) => device.close())]);
    for (const server of servers) await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const urlOf = (gateway: number) => (servers[gateway] as Server).url;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  const admin = async (method: string, path: string, json?: object): Promise<any> =>
    (
      await must(urlOf(0), method, `/admin/v1/${path}`, {
        headers: bearer(ADMIN_TOKEN),
        ...(json && { json }),
      })
    ).json;
  async function newPerson(displayName: string): Promise<{ id: number; token: string; handle: string }> {
    const user = await admin("POST", "users", { handle: `devices-${randomUUID()}`, displayName });
    const { token } = await admin("POST", "tokens", { userId: user.id, name: "watcher" });
    return { ...user, token };
  }

  /** A room of the owner and one other person, under the names that faces have for it. */
  async function newRoom(member: { handle: string }) {
    const headers = bearer(owner.token);
    const talk = (path: string, json: object) =>
      must(urlOf(0), "POST", `/ocs/v2.php/apps/spreed/api/v1${path}?format=json`, {
        headers,
        json,
      });
    const name = `Devices ${randomUUID()}`;
    const { token } = (await talk("/room", { roomType: 2, roomName: name })).json.ocs.data;
    await talk(`/room/${token}/participants`, { newParticipant: member.handle });
    await talk(`/chat/${token}`, { message: "hello" });
    const [newest] = (await must(urlOf(0), "GET", "/v1/conversations?limit=1", { headers })).json.data;
    const { conversations } = (await must(urlOf(0), "GET", "/conversations", { headers })).json;
    const { id: uuid } = conversations.find((one: { name: string }) => one.name === name);
    return { token, publicId: newest.id, uuid };
  }

  async function look(): Promise<Look> {
    return (await watcher.ask({ op: "open", room: watching.token })) as unknown as Look;
  }

  test.each(PAIRS)("%s gives up all it has, %s keeps all it has", async (acting, other) => {
    const person = await newPerson("Ada");
    const room = await newRoom(person);
    watching = room;
    await watcher.until("the room", () => watcher.log(room.token).length > 0);
    const credentials: { id: number; token: string }[] = [];
    for (const name of ["acting", "other"])
      credentials.push(await admin("POST", "tokens", { userId: person.id, name }));
    const deviceOn = (face: FaceName, gateway: number): Device => {
      const { token: accessToken } = credentials[gateway] as { token: string };
      const place: Place = { url: urlOf(gateway), room, userId: String(person.id), accessToken, look };
      const device = DEVICES[face](place);
      devices.push(device);
      return device;
    };
    const [first, second] = [deviceOn(acting, 0), deviceOn(other, 1)];
    await second.enter();
    await first.enter();
    await second.has();
    for (const [what, act] of first.givesUp) {
      await second.keep();
      await act();
      await second.has().catch((cause: unknown) => {
        throw new Error(`${other} lost something when ${acting} ${what}`, { cause });
      });
    }
    await first.enter();
    await second.keep();
    await admin("DELETE", `tokens/${credentials[0]?.id}`);
    await second.has();
    const { members } = (
      await must(urlOf(0), "GET", `/conversations/${room.uuid}`, { headers: bearer(owner.token) })
    ).json;
    expect(members.others).toHaveLength(1);
    await Promise.all([first.close(), second.close()]);
  });
});
