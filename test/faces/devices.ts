/** Devices of one person, each on one face and one gateway: what it takes up in a room, keeps, and gives up. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { SocketClient } from "../black-box/socket-client.ts";
import { ask, bearer, must } from "./site.ts";

export interface Place {
  /** Of the device's gateway. */
  url: string;
  room: { token: string; uuid: string; publicId: string };
  /** The person's id, as an actor has it. */
  userId: string;
  /** The device's own. */
  accessToken: string;
  /** How the room is now, for somebody who looks at it on another device. */
  look(): Promise<Look>;
}

export interface Look {
  present: { id: string }[];
  typing: { id: string }[];
  call?: { participants: { actor: { id: string }; flags: number }[] };
}

export interface Device {
  /** Takes up all that the face has. */
  enter(): Promise<void>;
  /** Says again what would end by itself. */
  keep(): Promise<void>;
  /** Expects that it has all of it still. */
  has(): Promise<void>;
  /** What it gives up, in this order. */
  givesUp: [what: string, act: () => Promise<void>][];
  close(): Promise<void>;
}

export type FaceName = "WebSocket" | "Talk" | "Wire" | "Protocol";

export const DEVICES: Record<FaceName, (place: Place) => Device> = {
  WebSocket: onSocket,
  Talk: onTalk,
  Wire: onWire,
  Protocol: onProtocol,
};

const SOCKET_FLAGS = 3;
const TALK_FLAGS = 5;

async function expectInCall({ look, userId }: Place, flags: number): Promise<void> {
  const participants = (await look()).call?.participants ?? [];
  expect(participants).toContainEqual(
    expect.objectContaining({ actor: expect.objectContaining({ id: userId }), flags }),
  );
}

async function expectTyping({ look, userId }: Place): Promise<void> {
  expect((await look()).typing).toContainEqual(expect.objectContaining({ id: userId }));
}

function onSocket(place: Place): Device {
  const { url, userId, accessToken, room } = place;
  const client = new SocketClient("device", accessToken, "json");
  const say = (op: string, more: object = {}) => client.ask({ op, room: room.token, ...more });
  const keep = async () => {
    await client.ask({ op: "ping" });
    await say("typing", { on: true });
  };
  const enter = async () => {
    await client.connect(url);
    await say("open");
    await say("call.join", { flags: SOCKET_FLAGS });
    await keep();
  };
  return {
    enter,
    keep,
    async has() {
      await client.ask({ op: "ping" });
      expect((await place.look()).present).toContainEqual(expect.objectContaining({ id: userId }));
      await expectInCall(place, SOCKET_FLAGS);
      await expectTyping(place);
    },
    givesUp: [
      ["leaves the call", async () => void (await say("call.leave"))],
      ["stops typing", async () => void (await say("typing", { on: false }))],
      ["closes the room", async () => void (await say("close"))],
      [
        "comes again and loses its socket",
        async () => {
          await client.drop();
          await enter();
          await client.drop();
        },
      ],
    ],
    close: () => client.drop(),
  };
}

const TALK = "/ocs/v2.php/apps/spreed/api/v1";

function onTalk(place: Place): Device {
  const { url, accessToken, room } = place;
  const headers: Record<string, string> = {
    ...bearer(accessToken),
    ...{ "OCS-APIRequest": "true", Accept: "application/json" },
  };
  let sessionId = "";
  const talk = async (method: string, path: string, json?: object) => {
    const answer = await must(url, method, TALK + path, { headers, ...(json && { json }) });
    const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
    if (cookie) headers.Cookie = cookie;
    return answer.json.ocs.data;
  };
  const active = `/room/${room.token}/participants/active`;
  const enter = async () => {
    ({ sessionId } = await talk("POST", active));
    await talk("POST", `/call/${room.token}`, { flags: TALK_FLAGS });
  };
  return {
    enter,
    keep: async () =>
      void (await ask(url, "GET", `${TALK}/chat/${room.token}?lookIntoFuture=1&timeout=0`, { headers })),
    async has() {
      expect(await talk("GET", `/room/${room.token}`)).toMatchObject({ sessionId, participantInCall: true });
      const peers = await talk("GET", `/call/${room.token}`);
      expect(peers).toContainEqual(expect.objectContaining({ sessionId }));
      await expectInCall(place, TALK_FLAGS);
      // It takes having joined.
      await talk("POST", `/signaling/${room.token}`, { messages: "[]" });
    },
    givesUp: [
      ["leaves the call", async () => void (await talk("DELETE", `/call/${room.token}`))],
      ["leaves the room", async () => void (await talk("DELETE", active))],
      [
        "joins again and leaves with its call",
        async () => {
          await enter();
          await talk("DELETE", active);
        },
      ],
    ],
    close: async () => {},
  };
}

function onWire(place: Place): Device {
  const { url, accessToken, room } = place;
  const headers = bearer(accessToken);
  const type = async (status: string) =>
    void (await must(url, "POST", `/conversations/${room.uuid}/typing`, { headers, json: { status } }));
  return {
    enter: () => type("started"),
    keep: () => type("started"),
    async has() {
      await must(url, "GET", `/conversations/${room.uuid}`, { headers });
      await expectTyping(place);
    },
    givesUp: [["stops typing", () => type("stopped")]],
    close: async () => {},
  };
}

function onProtocol({ url, accessToken, room }: Place): Device {
  const headers = bearer(accessToken);
  const say = async () => {
    const json = { conversation_id: room.publicId, message: `still here ${randomUUID()}` };
    await must(url, "POST", "/v1/messages", { headers, json });
  };
  return {
    enter: say,
    keep: async () => {},
    has: say,
    givesUp: [],
    close: async () => {},
  };
}
