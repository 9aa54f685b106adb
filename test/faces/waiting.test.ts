/** [Shows 4] Clients that wait cost a socket and an entry, but no timer and no thread: measured on a server of its own. */
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { admin, call, messenger } from "../black-box/provision.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";

const PEOPLE = 20;
/** Clients of each of the two kinds; those of one person stand for their devices. */
const CLIENTS = 2_000;
/** So many connect at once: no more than the server's backlog takes. */
const AT_ONCE = 100;
/** What one may cost of the server's memory. */
const MAX_KIB_EACH = 64;
const LIMIT = { timeout: 50_000, interval: 50 };
const SETTLED = { timeout: 25_000, interval: 50 };

interface Figures {
  followers: number;
  /** Timers that keep the process alive, as long-lived ones would; what runs beside it has some. */
  timers: number;
  threads: number;
  mebibytes: number;
}

describeWith("postgres", "on one gateway", ({ postgres }) => {
  const fleet = serverFleet();
  const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
  const sockets: WebSocket[] = [];
  let server: ServerProcess;
  let tokens: string[];
  let room: { token: string; uuid: string };
  beforeAll(async () => {
    server = await fleet.start({ DATABASE_URL: postgres.url });
    ({ tokens, room } = await provision(server.url));
  });
  afterAll(async () => {
    for (const socket of sockets) socket.terminate();
    agent.destroy();
    await server?.stop();
  });

  async function figures(): Promise<Figures> {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const metric = (name: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.split(" ")[1] ?? 0,
      );
    const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
    const ofProcess = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
    return {
      followers: metric("causeway_followers"),
      timers: metric('nodejs_active_resources{type="Timeout"}'),
      threads: ofProcess("Threads"),
      mebibytes: ofProcess("VmRSS") / 1_024,
    };
  }

  /** Looks until so many wait, and the timers of whatever brought them there are gone, long before the waiting ends. */
  async function waitingAre(followers: number, timers: number): Promise<Figures> {
    await vi.waitFor(async () => expect((await figures()).followers).toBe(followers), LIMIT);
    return await vi.waitFor(async () => {
      const now = await figures();
      expect(now.timers).toBeLessThan(timers + 20);
      expect(now.followers).toBe(followers);
      return now;
    }, SETTLED);
  }

  /** @returns what the long poll is answered with */
  function longPoll(n: number, lastKnown: number): Promise<string> {
    const query = `lookIntoFuture=1&timeout=60&setReadMarker=0&lastKnownMessageId=${lastKnown}&format=json`;
    const headers = { authorization: `Bearer ${tokens[n % PEOPLE]}` };
    return new Promise((resolve, reject) => {
      get(
        `${server.url}/ocs/v2.php/apps/spreed/api/v1/chat/${room.token}?${query}`,
        { agent, headers },
        (answer) => {
          let text = "";
          answer.on("data", (chunk: Buffer) => {
            text += chunk.toString();
          });
          answer.on("end", () => resolve(`${answer.statusCode} ${text}`));
        },
      ).on("error", reject);
    });
  }

  /** @returns once the client waits; `heard` is its first notification */
  async function awaiting(n: number): Promise<{ heard: Promise<string> }> {
    const address = `${server.url.replace("http", "ws")}/await?access_token=${tokens[n % PEOPLE]}`;
    const socket = new WebSocket(address);
    sockets.push(socket);
    const heard = new Promise<string>((resolve) => {
      socket.once("message", (frame: Buffer) => resolve(frame.toString()));
    });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return { heard };
  }

  test(`${CLIENTS} long polls and ${CLIENTS} clients of /await wait without a timer or thread each, and hear of one change`, async () => {
    const lastKnown = await lastMessageId(server.url, tokens[0] as string, room.token);
    const before = await figures();
    const clients: { heard: Promise<string> }[] = [];
    for (let n = 0; n < CLIENTS; n += AT_ONCE)
      clients.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => awaiting(n + i)))));
    const awaited = await waitingAre(CLIENTS, before.timers);
    const answers: Promise<string>[] = [];
    for (let n = 0; n < CLIENTS; n++) answers.push(longPoll(n, lastKnown));
    const all = await waitingAre(2 * CLIENTS, before.timers);

    await call(`${server.url}/conversations/${room.uuid}/name`, "PUT", bearer(tokens[0] as string), {
      name: "Everybody hears",
    });
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^200 .*conversation_renamed/);
    const notifications = await Promise.all(clients.map(({ heard }) => heard));
    for (const notification of notifications) expect(notification).toContain("conversation.rename");

    report(before, awaited, all);
    expect(all.threads).toBe(before.threads);
    expect((all.mebibytes - before.mebibytes) * 1_024).toBeLessThan(2 * CLIENTS * MAX_KIB_EACH);
  }, 240_000);
});

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** People of one organization, all in one room. */
async function provision(url: string): Promise<{ tokens: string[]; room: { token: string; uuid: string } }> {
  const organization = await admin<{ id: number }>(url, "POST", "organizations", { name: "Waiting" });
  const people: { id: number; token: string }[] = [];
  for (let n = 0; n < PEOPLE; n++) {
    const organizations = [{ id: organization.id, role: "admin" }];
    const { id } = await admin<{ id: number }>(url, "POST", "users", { handle: `p${n}`, organizations });
    const { token } = await admin<{ token: string }>(url, "POST", "tokens", { userId: id, name: "wait" });
    people.push({ id, token });
  }
  const [first, ...others] = people as [(typeof people)[0], ...typeof people];
  const { token } = await messenger<{ token: string }>(url, first.token, "POST", "chatrooms", {
    ...{ organizationID: organization.id, name: "Waiting", assignedUsers: others.map(({ id }) => id) },
  });
  const ids = await call<{ conversations: string[] }>(`${url}/conversations/ids`, "GET", bearer(first.token));
  return { tokens: people.map((one) => one.token), room: { token, uuid: ids.conversations[0] as string } };
}

async function lastMessageId(url: string, token: string, room: string): Promise<number> {
  const path = `${url}/ocs/v2.php/apps/spreed/api/v1/chat/${room}?format=json`;
  const sent = { message: "Wait for what comes" };
  return (await call<{ ocs: { data: { id: number } } }>(path, "POST", bearer(token), sent)).ocs.data.id;
}

function report(before: Figures, awaited: Figures, all: Figures): void {
  const each = (from: Figures, to: Figures) =>
    `${(((to.mebibytes - from.mebibytes) * 1_024) / CLIENTS).toFixed(1)} KiB each`;
  const mebibytes = ({ mebibytes: used }: Figures) => `${used.toFixed(0)} MiB`;
  console.log(
    [
      `${CLIENTS} clients of /await: ${each(before, awaited)}; ${CLIENTS} long polls: ${each(awaited, all)};`,
      `memory ${mebibytes(before)} → ${mebibytes(awaited)} → ${mebibytes(all)}, timers ${before.timers} → ${all.timers},`,
      `threads ${before.threads} → ${all.threads}`,
    ].join(" "),
  );
}
