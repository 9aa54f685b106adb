/**
 * Two people with three devices do things at random, while connections are lost and apps and servers are killed. When it is quiet
 * again each device shows what the server has, and what was written down to be sent is there once.
 *
 * `MODEL_RUNS` is the number of runs; `MODEL_SEED` repeats the runs of a seed, which every run of the test prints. The first run that
 * fails is told as it is; `MODEL_SHRINK=1` looks for a shorter one, which takes minutes where the failure waits for something in vain.
 */
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  itemOf,
  type TimelineItem,
  type TimelineMessage,
} from "../../../src/client/local/timeline/timeline.ts";
import type { EventFrame, RoomEntry, RoomEvent } from "../../../src/protocol/frames.ts";
import { site } from "../../gateway/fixtures.ts";
import { describeWith } from "../../services/need.ts";
import { askServer, type Device, makeWorld, Server, settle, type World } from "./world.ts";

const RUNS = Number(process.env.MODEL_RUNS ?? 30);
const SHRINK = process.env.MODEL_SHRINK === "1";
/** Looks at what devices show, until it is what the server has. */
const MAX_TRIES = 100;
const SEED = Number(process.env.MODEL_SEED ?? Date.now() % 2 ** 31);

/** A device of {@link World}. */
type Who = 0 | 1 | 2;
/** What is done in one of the rooms of {@link World}. */
type InRoom =
  | { do: "send"; who: Who; text: string; answer: number | null; thread: number | null }
  | { do: "forward"; who: Who; message: number }
  | { do: "edit"; who: Who; message: number; text: string }
  | { do: "delete"; who: Who; message: number }
  | { do: "pin" | "unpin"; who: Who; message: number }
  | { do: "hide"; who: Who; message: number }
  | { do: "readThread"; who: Who; message: number }
  | { do: "react" | "unreact"; who: Who; message: number; name: string }
  | { do: "read"; who: Who }
  | { do: "look" | "older"; who: Who };
type Step =
  | (InRoom & { at: 0 | 1 })
  | { do: "block" | "unblock" | "cut" | "cutOff" | "reconnect" | "killApp"; who: Who }
  | { do: "killServer" }
  | { do: "wait"; ms: number };

const who = fc.constantFrom<Who>(0, 1, 2);
const at = fc.constantFrom<0 | 1>(0, 0, 0, 1);
const message = fc.nat(30);
const text = fc.string({ minLength: 1, maxLength: 8 }).map((end) => `m${end}`);
const name = fc.constantFrom("👍", "🎉");
const also = <T extends Step["do"]>(...names: T[]) => fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: also("send"),
      ...{ who, at },
      text,
      answer: fc.option(message, { freq: 2 }),
      thread: fc.option(message, { freq: 1 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: also("forward"), who, at, message }) },
  { weight: 3, arbitrary: fc.record({ do: also("edit"), who, at, message, text }) },
  { weight: 2, arbitrary: fc.record({ do: also("delete"), who, at, message }) },
  { weight: 2, arbitrary: fc.record({ do: also("hide"), who, at, message }) },
  { weight: 4, arbitrary: fc.record({ do: also("react", "unreact"), who, at, message, name }) },
  { weight: 2, arbitrary: fc.record({ do: also("read"), who, at }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: also("pin", "unpin", "readThread", "readThread"), who, at, message }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: also("cut", "cutOff", "reconnect", "reconnect", "killApp"), who }),
  },
  { weight: 3, arbitrary: fc.record({ do: also("look", "older"), who, at }) },
  { weight: 1, arbitrary: fc.record({ do: also("block", "unblock", "unblock"), who }) },
  { weight: 4, arbitrary: fc.record({ do: also("wait"), ms: fc.constantFrom(0, 1, 5, 30) }) },
  { weight: 1, arbitrary: fc.record({ do: also("killServer") }) },
) as fc.Arbitrary<Step>;

async function take(world: World, one: Step): Promise<void> {
  if (one.do === "wait") return await delay(one.ms);
  if (one.do === "killServer") return await killServer(world);
  const device = world.devices[one.who];
  const { client } = device;
  if ("at" in one) return void takeInRoom(device, world.rooms[one.at].token, one);
  switch (one.do) {
    case "block":
    case "unblock": {
      const user = world.devices[one.who === 1 ? 0 : 1].person.actor.id;
      return void client[one.do]({ user }).catch(() => undefined);
    }
    case "cut":
      return device.cut();
    case "cutOff":
      device.isCutOff = true;
      return device.cut();
    case "reconnect":
      device.isCutOff = false;
      return client.wake();
    case "killApp": {
      device.kill();
      await device.start().load();
      void device.client.connect().catch(() => undefined);
    }
  }
}

function takeInRoom(device: Device, token: string, one: InRoom): unknown {
  const { client } = device;
  const { messages } = client.room(token);
  const head = () => client.room(token).getSnapshot()?.head ?? 0;
  switch (one.do) {
    case "send": {
      const seqOf = (n: number | null) => (n === null ? undefined : pick(device, token, n)?.seq);
      const [replyTo, thread] = [seqOf(one.answer), seqOf(one.thread)];
      const more = { ...(replyTo !== undefined && { replyTo }), ...(thread !== undefined && { thread }) };
      return client.send(token, one.text, more).catch(() => undefined);
    }
    case "forward": {
      const seq = pick(device, token, one.message)?.seq;
      if (seq === undefined) return undefined;
      return client.send({ room: token, forward: { room: token, seq } }).catch(() => undefined);
    }
    case "readThread": {
      const thread = pick(device, token, one.message)?.seq;
      if (thread === undefined) return undefined;
      return client.read({ room: token, thread, seq: head() }).catch(() => undefined);
    }
    case "read":
      return client.read(token, head()).catch(() => undefined);
    case "look":
      return messages.load();
    case "older":
      return messages.loadOlder().catch(() => undefined);
    default:
      return change(device, token, one);
  }
}

async function killServer({ server, devices }: World): Promise<void> {
  await server.restart();
  for (const device of devices) device.cut();
}

/** One of the messages that are shown, unless it was deleted. */
function pick({ client }: Device, token: string, n: number, own = false): TimelineMessage | undefined {
  const shown = client
    .room(token)
    .messages.getSnapshot()
    .filter((item): item is TimelineMessage => item.type === "message" && !item.data.deleted)
    .filter(({ actor }) => !own || actor.id === client.user?.id);
  return shown[n % Math.max(1, shown.length)];
}

type Change = Exclude<Extract<InRoom, { message: number }>, { do: "readThread" | "forward" }>;

function change(device: Device, token: string, one: Change): void {
  const found = pick(device, token, one.message, one.do === "edit" || one.do === "delete");
  if (!found) return;
  const { client } = device;
  const place = found.seq === undefined ? { id: found.id ?? "" } : { seq: found.seq };
  const target = { room: token, ...place } as { room: string; seq: number };
  if (one.do === "delete" || one.do === "hide") {
    const done = client.delete({ ...target, ...(one.do === "hide" && { forMe: true }) });
    done.then(
      (answer) => {
        if (answer.duplicate && found.seq === undefined && found.id) device.discarded.add(found.id);
      },
      () => undefined,
    );
    return;
  }
  const done =
    one.do === "edit"
      ? client.edit({ ...target, text: one.text })
      : "name" in one
        ? client[one.do]({ ...target, name: one.name })
        : client[one.do](target);
  done.catch(() => undefined);
}

/**
 * What may be compared. Names of reactions come in the order in which a client heard of them; the time of an edit is that of the
 * message in history, and of the event where it was heard live.
 */
function comparable(items: readonly (TimelineItem | null)[]): unknown[] {
  return items.flatMap((item): unknown[] => {
    if (item?.type !== "message") return item ? [{ seq: item.seq, type: item.type, data: item.data }] : [];
    const { reactions, edited, ...data } = item.data;
    const isEdited = edited !== undefined;
    const sorted = reactions
      ?.map(({ actors, ...reaction }) => ({ ...reaction, actors: actors.map(({ id }) => id).sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const { seq, id, type, at, actor, pending = false } = item;
    const whole = { ...data, isEdited, ...(sorted && { reactions: sorted }) };
    return [{ seq, id, type, at, actor, pending, data: whole }];
  });
}

async function shownOf({ client }: Device, token: string): Promise<readonly TimelineItem[]> {
  const { messages } = client.room(token);
  await messages.load();
  while (messages.hasOlder) await messages.loadOlder();
  // What older ones tell of others is known then, too.
  await messages.load();
  return messages.getSnapshot().filter((item) => !("failed" in item && item.seq === undefined));
}

/** A change that was refused is shown at its message, and is none of the server's. */
function withoutFailures(items: readonly TimelineItem[]): TimelineItem[] {
  return items.map((item) => {
    if (item.type !== "message") return item;
    const { failed: _, ...rest } = item;
    return rest;
  });
}

/** What a device shows comes to what the server has, once what is under way has arrived. */
async function check(world: World): Promise<void> {
  for (let tries = 0; ; tries++) {
    await settle(world);
    try {
      for (const device of world.devices) await compare(world, device);
      break;
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      await delay(20);
    }
  }
  for (const device of world.devices) await checkStored(world, device);
}

async function compare(world: World, device: Device): Promise<void> {
  const { client } = device;
  const { told, blocked } = await askServer(world, device);
  expect([...client.blockedUsers.getSnapshot()].sort()).toEqual([...blocked].sort());
  expect(client.rooms.getSnapshot().map(({ room }) => room)).toHaveLength(told.length);
  const logged: unknown[] = [];
  for (const [n, { entry, events }] of told.entries()) {
    const { token, id } = world.rooms[n as 0 | 1];
    const shown = withoutFailures(await shownOf(device, token));
    const local = client.room(token).getSnapshot();
    expect(comparable(shown)).toEqual(comparable(events.map((event) => itemOf(event as RoomEvent))));
    const { head, read, pinned, name, peer } = entry as RoomEntry;
    expect(local).toMatchObject({ head, read, pinned, name, ...(peer && { peer: { id: peer.id } }) });
    const unread = unreadOf(events, read, device);
    expect({ local: local?.unread, server: entry?.unread }).toEqual({ local: unread, server: unread });
    const log = await world.server.node.store.log.range(id, 0, Number.MAX_SAFE_INTEGER, 10_000);
    const ids = log.filter(({ type }) => type === "message").map((event) => event.id);
    expect(new Set(ids).size, "no message is there twice").toBe(ids.length);
    logged.push(...ids);
  }
  const failed = new Set(client.outbox.getSnapshot().map((write) => write.id));
  const lost = [...device.kept].filter(
    (id) => !logged.includes(id) && !device.discarded.has(id) && !failed.has(id),
  );
  expect(lost, "no message is lost").toEqual([]);
}

/** Messages of others after a marker that were not deleted. */
function unreadOf(events: readonly EventFrame[], read: number, { client }: Device): number {
  return events.filter(
    ({ type, seq, actor, data }) =>
      type === "message" && seq > read && !data.deleted && actor.id !== client.user?.id,
  ).length;
}

/** The device has all of it, for a start without a network. */
async function checkStored({ rooms }: World, device: Device): Promise<void> {
  const before = rooms.map(({ token }) => device.client.room(token).messages);
  await device.client.disconnect();
  const shown = before.map((messages) => comparable(inLog(messages.getSnapshot())));
  device.isCutOff = true;
  const client = device.start();
  for (const [n, { token }] of rooms.entries()) {
    const { messages } = client.room(token);
    await messages.load();
    while (messages.hasOlder) await messages.loadOlder();
    expect(comparable(inLog(messages.getSnapshot()))).toEqual(shown[n]);
  }
}

function inLog(items: readonly TimelineItem[]): TimelineItem[] {
  return withoutFailures(items.filter(({ seq }) => seq !== undefined));
}

describe("model", () => {
  describeWith("postgres", "local view", ({ postgres }) => {
    const { node } = { node: site(postgres.url) };
    test(`${RUNS} runs of seed ${SEED} end with the view of the server`, { timeout: 3_600_000 }, async () => {
      console.log(`model: MODEL_SEED=${SEED} MODEL_RUNS=${RUNS}`);
      const server = new Server(node);
      await server.restart();
      const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const world = await makeWorld(server);
        try {
          for (const one of steps) await take(world, one);
          await check(world);
        } finally {
          for (const device of world.devices) device.kill();
        }
      });
      await fc.assert(property, {
        ...{ numRuns: RUNS, seed: SEED, endOnFailure: !SHRINK },
        interruptAfterTimeLimit: 3_500_000,
      });
    });
  });
});
