/** Whatever face a person uses: those who look on hear once of what they did, and another gateway is told once. */
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SocketClient } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";
import { ANNOUNCEMENTS, type Announcement } from "./announcements.ts";
import type { Scene } from "./announcing-steps.ts";
import { bearer, must, openSite, type Person, type Site } from "./site.ts";

type Frame = SocketClient["others"][number];

/** Everything that processes tell each other, in order. */
interface Wiretap {
  heard: { channel: string; message: string }[];
  redis: Redis;
}

describeWith(["postgres", "redis"], "announced once", ({ postgres, redis }) => {
  let site: Site;
  let tap: Wiretap;
  let watcher: SocketClient;
  let peer: SocketClient;

  beforeAll(async () => {
    site = await openSite(postgres.url, { REDIS_URL: redis.url });
    watcher = site.callers.owner.socket as SocketClient;
    peer = site.callers.moderator.socket as SocketClient;
    tap = { heard: [], redis: new Redis(redis.url) };
    tap.redis.on("pmessage", (_, channel, message) => void tap.heard.push({ channel, message }));
    await tap.redis.psubscribe("*");
  }, 60_000);
  afterAll(async () => {
    tap?.redis.disconnect();
    await site?.close();
  });

  /** The actor's room with the watcher and the peer in it, who have it open, and a message that the actor has not read. */
  async function setUp(): Promise<{ scene: Scene; second: SocketClient }> {
    const { organization, callers, newPerson, url } = site;
    const actor = await newPerson({ organizations: [{ id: organization.id, role: "member" }] });
    const { owner, moderator } = callers;
    const { id, token } = (
      await must(url, "POST", "/api/v1/chat/chatrooms", {
        headers: { "API-TOKEN": organization.token },
        json: {
          ...{ organizationID: organization.id, name: `Room ${randomUUID()}`, assignedUsers: [actor.id] },
          ...{ admins: [owner.person?.id], moderators: [moderator.person?.id] },
        },
      })
    ).json;
    const [socket, second] = [await connected(actor), await connected(actor)];
    for (const looking of [watcher, peer]) {
      await looking.until("the room", () => looking.log(token).length > 0);
      await looking.ask({ op: "open", room: token });
    }
    const { seq: unread } = await watcher.send(token, "read-me", "Read me");
    const headers = bearer(actor.token);
    const [conversation] = (await must(url, "GET", "/v1/conversations?limit=1", { headers })).json.data;
    const [uuid] = (await must(url, "GET", "/conversations/ids", { headers })).json.conversations;
    const room = { id, token, uuid, publicId: conversation.id };
    return { scene: { site, actor, socket, room, unread, cookies: {} }, second };
  }

  async function connected({ token, handle }: Person): Promise<SocketClient> {
    const client = new SocketClient(handle, token, "json");
    await client.connect(site.url);
    return client;
  }

  /** The peer types and stops: when that came, whatever was told before has come. @returns the frame's place */
  async function mark(token: string): Promise<void> {
    const isMark = (frame: Frame) => frame.op === "typing" && frame.room === token && isOfPeer(frame);
    const count = watcher.others.filter(isMark).length;
    for (const on of [true, false]) await peer.ask({ op: "typing", room: token, on });
    await watcher.until("the mark", () => watcher.others.filter(isMark).length === count + 2);
    const told = () => tap.heard.filter(({ message }) => isMark(frameOf(message))).length;
    await expect.poll(told).toBe(count + 2);
  }

  const isOfPeer = ({ actor }: Frame) =>
    (actor as { id?: string } | undefined)?.id === String(site.callers.moderator.person?.id);

  /** The watcher's frames of the room or the actor that are not the peer's. */
  function shownOf({ room, actor }: Scene): Frame[] {
    return watcher.others.filter(
      (frame) =>
        (frame.room === room.token && !isOfPeer(frame)) ||
        (frame.op === "user" && (frame.user as { id: string }).id === String(actor.id)),
    );
  }

  /** What another gateway is told on the actor's channel, and on that of the room's signaling. */
  function noticedOf({ room, actor }: Scene): string[] {
    return tap.heard.flatMap(({ channel, message }) => {
      if (channel.endsWith(`signaling:${room.id}`)) return ["signaling"];
      if (!channel.endsWith(`user:${actor.id}`)) return [];
      const { unread, frame, hint } = JSON.parse(message) as {
        unread?: object;
        frame?: { op: string };
        hint?: string;
      };
      if (frame && ["hidden", "contact", "signal"].includes(frame.op)) return [frame.op];
      // Memberships are in the log: the commit publisher tells of them.
      return unread ? ["unread"] : hint === undefined || hint === "joined" ? [] : [hint];
    });
  }

  async function heardOf({ before, act, shown, noticed }: Announcement, scene: Scene, second: SocketClient) {
    for (const step of before) await step(scene);
    await mark(scene.room.token);
    const [shownBefore, noticedBefore] = [shownOf(scene).length, noticedOf(scene).length];
    const [ownBefore, secondsBefore] = [unreadsOf(scene.socket).length, unreadsOf(second).length];
    await act(scene);
    const newlyShown = () => shownOf(scene).slice(shownBefore);
    const newlyNoticed = () => noticedOf(scene).slice(noticedBefore);
    await watcher.until("all frames", () => newlyShown().length >= shown.length, 10_000);
    await expect
      .poll(() => newlyNoticed().length, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(noticed.length);
    await mark(scene.room.token);
    if (noticed.includes("unread")) for (const one of [second, scene.socket]) await one.ask({ op: "ping" });
    return {
      ...{ shown: newlyShown(), noticed: newlyNoticed() },
      unreads: {
        own: unreadsOf(scene.socket).slice(ownBefore),
        seconds: unreadsOf(second).slice(secondsBefore),
      },
    };
  }

  const unreadsOf = ({ others }: SocketClient) => others.filter(({ op }) => op === "unread");

  const byOp = (a: object, b: object) => JSON.stringify(a).localeCompare(JSON.stringify(b));

  describe.each([...new Set(ANNOUNCEMENTS.map(({ face }) => face))])("on %s", (face) => {
    test.each(ANNOUNCEMENTS.filter((one) => one.face === face).map((one) => [one.what, one] as const))(
      "%s",
      async (_, announcement) => {
        const { scene, second } = await setUp();
        const heard = await heardOf(announcement, scene, second);
        expect([...heard.shown].sort(byOp)).toEqual(
          [...announcement.shown].sort(byOp).map((frame) => expect.objectContaining(frame)),
        );
        expect(heard.noticed).toEqual(announcement.noticed);
        if (announcement.noticed.includes("unread")) onlyOthersAreTold(announcement, scene, heard.unreads);
        await Promise.all([scene.socket.drop(), second.drop()]);
      },
    );
  });

  /** Of the marker that moved the actor's sessions are told once each, but for one that moved it itself. */
  function onlyOthersAreTold(
    { face, unread = () => ({ read: scene.unread }) }: Announcement,
    scene: Scene,
    { own, seconds }: { own: Frame[]; seconds: Frame[] },
  ) {
    const told = expect.objectContaining({ room: scene.room.token, ...unread(scene) });
    expect(seconds).toEqual([told]);
    expect(own).toEqual(face === "WebSocket" ? [] : [told]);
  }
});

function frameOf(message: string): Frame {
  try {
    return JSON.parse(message) as Frame;
  } catch {
    // Events of the log: several lines.
    return { op: "event" };
  }
}
