/** Makes people and rooms on a Causeway through its admin and Messenger APIs, and removes them again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Plan, Population } from "./target.ts";

export interface Provisioning {
  populate(plan: Plan, onProgress: (done: number, total: number) => void): Promise<CausewayPopulation>;
  /** The room's Matrix id, as soon as the bridge has made it. @throws Error when it does not come */
  matrixRoom(roomId: number, limitMs: number): Promise<string>;
  /** Removes every organization, room and user that was made. */
  remove(): Promise<void>;
}

interface CausewayPopulation extends Population {
  /** Messenger's integer ids of the rooms. */
  roomIds: number[];
}

/** Requests under way at once. */
const LANES = 16;
const REPEATS = 3;
/** People that are added to a room in one request. */
const MEMBERS_AT_ONCE = 1_000;

/** A marker in the names of what is made, so that operators recognise what an aborted run left behind. */
const MARK = "load";

export function createProvisioning(url: URL, adminToken: string): Provisioning {
  const run = `${MARK}-${Date.now().toString(36)}`;
  const organizations: number[] = [];
  const users: number[] = [];
  const rooms: { id: number; key: string }[] = [];
  const admin = <T>(method: string, path: string, body?: unknown) =>
    request<T>(new URL(`/admin/v1/${path}`, url), method, { authorization: `Bearer ${adminToken}` }, body);
  const messenger = <T>(method: string, key: string, path: string, body?: unknown) =>
    request<T>(new URL(`/api/v1/chat/${path}`, url), method, { "api-token": key }, body);

  async function addPerson(organization: number): Promise<{ id: number; token: string }> {
    const handle = `${run}-${users.length}`;
    users.push(0);
    const at = users.length - 1;
    const { id } = await admin<{ id: number }>("POST", "users", {
      handle,
      displayName: `Load ${at}`,
      organizations: [{ id: organization, role: "member" }],
    });
    users[at] = id;
    const { token } = await admin<{ token: string }>("POST", "tokens", { userId: id, name: run });
    return { id, token };
  }

  async function addRoom(
    organization: number,
    key: string,
    name: string,
    members: readonly number[],
  ): Promise<{ id: number; token: string }> {
    const room = await messenger<{ id: number; token: string }>("POST", key, "chatrooms", {
      organizationID: organization,
      name,
      assignedUsers: members.slice(0, MEMBERS_AT_ONCE),
    });
    rooms.push({ id: room.id, key });
    for (let at = MEMBERS_AT_ONCE; at < members.length; at += MEMBERS_AT_ONCE) {
      const assignedUsers = members.slice(at, at + MEMBERS_AT_ONCE);
      await messenger("POST", key, `chatrooms/${room.id}/users`, { assignedUsers });
    }
    return room;
  }

  return {
    populate: async (plan, onProgress) => {
      const total = plan.people + plan.rooms.length;
      let done = 0;
      const progressed = () => onProgress(++done, total);
      const { id: organization } = await admin<{ id: number }>("POST", "organizations", {
        name: `${run} ${organizations.length}`,
      });
      organizations.push(organization);
      const { token: key } = await admin<{ token: string }>("POST", "tokens", {
        organizationId: organization,
        name: run,
      });
      const people = await inLanes(plan.people, async () => {
        const person = await addPerson(organization);
        progressed();
        return person;
      });
      const made = await inLanes(plan.rooms.length, async (n) => {
        const members = (plan.rooms[n] ?? []).map((member) => people[member]?.id as number);
        const room = await addRoom(organization, key, `${run} ${n}`, members);
        progressed();
        return room;
      });
      return {
        tokens: people.map(({ token }) => token),
        rooms: made.map(({ token }) => token),
        roomIds: made.map(({ id }) => id),
      };
    },
    matrixRoom: async (roomId, limitMs) => {
      const key = rooms.find(({ id }) => id === roomId)?.key ?? "";
      for (const deadline = Date.now() + limitMs; Date.now() < deadline; await delay(100)) {
        const room = await messenger<{ matrixRoomID: string | null }>("GET", key, `chatrooms/${roomId}`);
        if (room.matrixRoomID !== null) return room.matrixRoomID;
      }
      throw new Error(
        `chatroom ${roomId} got no Matrix room in ${limitMs / 1000} s: does the server's bridge run?`,
      );
    },
    remove: async () => {
      await inLanes(rooms.length, async (n) => {
        const { id, key } = rooms[n] as (typeof rooms)[number];
        await messenger("DELETE", key, `chatrooms/${id}`);
      });
      const made = users.filter((id) => id !== 0);
      await inLanes(made.length, (n) => admin("DELETE", `users/${made[n]}`));
      for (const id of organizations) await admin("DELETE", `organizations/${id}`);
    },
  };
}

/** Runs `work` for 0…count−1, a few at once; results in order. */
async function inLanes<T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) results[n] = await work(n);
  };
  await Promise.all(Array.from({ length: Math.min(LANES, count) }, lane));
  return results;
}

/** Speaks JSON. Repeats what may be repeated: nothing was done when the server was too busy. */
export async function request<T>(
  url: URL,
  method: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(url, {
      method,
      headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.ok) return (text === "" ? null : JSON.parse(text)) as T;
    const isBusy = answer.status === 429 || answer.status === 503;
    if (!isBusy || attempt > REPEATS) {
      throw new Error(`${method} ${url.pathname} answered ${answer.status}: ${text.slice(0, 500)}`);
    }
    const seconds = Number(answer.headers.get("retry-after") ?? 1);
    await delay(Math.min(10, seconds) * 1000);
  }
}
