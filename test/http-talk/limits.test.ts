/** How much one caller may do at a time: a guest as much as a user. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../services/need.ts";
import { type Answer, type Client, join, makeRoom, openSite, type Person, type Site } from "./site.ts";

const BURST = 1_000;
const MAX_WAITING = 100;

describeWith("postgres", "a caller of Talk", ({ postgres }) => {
  let site: Site;
  let ada: Person;
  let token: string;
  beforeAll(async () => {
    site = await openSite(postgres.url, "ws", undefined, { rateLimits: true });
    // Nothing is given back with time.
    const at = site.useCases.clock.now();
    site.useCases.clock.now = () => at;
    ada = await site.person("Ada");
    token = await makeRoom(ada, { type: 3 });
  });
  afterAll(() => site?.close());

  async function guest(): Promise<Client> {
    const client = site.guest();
    await join(client, token);
    return client;
  }
  /** How many of many requests at once were refused for being too many. */
  async function refusals(count: number, ask: (n: number) => Promise<Answer>): Promise<number> {
    const answers = await Promise.all(Array.from({ length: count }, (_, n) => ask(n)));
    const refused = answers.filter(({ status }) => status === 429);
    for (const { headers } of refused) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    return refused.length;
  }

  test("has at most 100 requests waiting, guest or user", async () => {
    const path = `/chat/${token}`;
    const known = async (client: Client) => ({
      lookIntoFuture: 1,
      lastKnownMessageId: (await client.get(path, { lookIntoFuture: 0, limit: 1 })).data[0].id,
    });
    for (const client of [await guest(), ada]) {
      const query = await known(client);
      const hangUp = new AbortController();
      const waiting = Array.from({ length: MAX_WAITING }, () =>
        client.get(path, query, { signal: hangUp.signal }),
      );
      await expect.poll(site.followers, { timeout: 20_000 }).toBe(MAX_WAITING);
      expect((await client.get(path, query)).status).toBe(429);
      expect((await client.get(`/room/${token}`)).status).toBe(200);
      hangUp.abort();
      await Promise.all(waiting);
      expect((await client.get(path, { ...query, timeout: 0 })).status).toBe(304);
    }
  }, 60_000);

  test("who is a guest has the requests of a user", async () => {
    const client = await guest();
    expect(await refusals(BURST + 100, () => client.get("/signaling/settings"))).toBeGreaterThan(0);
    expect((await (await guest()).get("/signaling/settings")).status).toBe(200);
  }, 60_000);

  test("who becomes another guest all the time writes no more than one", async () => {
    const clients = await Promise.all(Array.from({ length: 15 }, guest));
    const send = (n: number) =>
      (clients[n % clients.length] as Client).post("/chat/unknown", { message: "x" });
    expect(await refusals(BURST + 100, send)).toBeGreaterThan(0);
  }, 60_000);
});
