/** Servers for calls: what clients are told of them, and the credentials that coturn's REST API takes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { turnServers } from "../../src/domain/context/ice-servers.ts";
import { describeWith } from "../services/need.ts";
import { type Client, join, makeRoom, openSite, type Site } from "./site.ts";

const SECRET = "shared with coturn";
const STUN = "stun:stun.example.org:3478";
const TURN = ["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:443?transport=tcp"];

test("credentials are of the time of their end and a name, signed with the secret", () => {
  const [one, two] = turnServers({ stun: [], turn: { urls: TURN, secret: SECRET } }, "ada", 1_000_999);
  expect(one).toEqual({
    url: TURN[0],
    urls: [TURN[0]],
    username: "87400:ada",
    // printf 87400:ada | openssl dgst -sha1 -hmac "shared with coturn" -binary | base64
    credential: "gkWYBoVgu4EJYpCHRsxWPnhfgt8=",
  });
  expect(two?.url).toBe(TURN[1]);
});

describeWith("postgres", "servers for calls", ({ postgres }) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(postgres.url, "ws", { stun: [STUN], turn: { urls: TURN, secret: SECRET } });
  });
  afterAll(() => site?.close());

  const settings = async (client: Client) => (await client.get("/signaling/settings")).data;

  test("users get both, guests once they joined a room, strangers no relay", async () => {
    const ada = await site.person("Ada");
    const guest = site.guest();
    const stun = [{ url: STUN, urls: [STUN] }];
    const mine = await settings(ada);
    expect(mine).toMatchObject({ stunservers: stun, turnservers: TURN.map((url) => ({ url })) });
    const [end, name] = mine.turnservers[0].username.split(":");
    expect(name).toBe(ada.id);
    expect(Number(end) * 1_000).toBeGreaterThan(Date.now() + 3_600_000);
    expect(await settings(guest)).toMatchObject({ stunservers: stun, turnservers: [] });
    await join(guest, await makeRoom(ada, { type: 3 }));
    expect((await settings(guest)).turnservers[0].username).toMatch(/^\d+:guest$/);
  });
});
