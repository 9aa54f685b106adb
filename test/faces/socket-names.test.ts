/** Every answer of an HTTP API that names a room or a message names it as the WebSocket does, too: by `room` and `seq`. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SocketClient, WireEvent } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";
import { TALK_PREFIX, talk, talkHeaders } from "./rooms.ts";
import { type Answer, bearerOf, type Caller, must, openSite, type Person, type Site } from "./site.ts";

type Thing = Record<string, unknown>;

/** Fields by which an answer names a room in the words of its API, and those that only a room has. */
const NAMES_ROOM = ["conversation_id", "conversation", "qualified_conversation", "token"];
const OF_ROOM = ["is_pinned", "access_role", "matrixRoomID"];

describeWith("postgres", "the names of rooms and messages on the WebSocket", ({ postgres }) => {
  let site: Site;
  let owner: Caller & { person: Person; socket: SocketClient };
  let member: Person;
  /** The tokens of a chatroom and of a one-to-one room. */
  let chatroom: string;
  let direct: string;
  let conversation: { uuid: string; publicId: string };
  let logs: Map<string, WireEvent[]>;

  beforeAll(async () => {
    site = await openSite(postgres.url);
    owner = site.callers.owner as typeof owner;
    member = site.callers.member.person as Person;
    const made = await must(site.url, "POST", "/api/v1/chat/chatrooms", {
      headers: { "API-TOKEN": site.organization.token },
      json: {
        ...{ organizationID: site.organization.id, name: `Room ${randomUUID()}` },
        ...{ admins: [owner.person.id], assignedUsers: [member.id] },
      },
    });
    chatroom = made.json.token;
    const { room: entry } = await owner.socket.ask({ op: "room.direct", user: String(member.id) });
    direct = (entry as { room: string }).room;
    const { rooms } = await owner.socket.ask({ op: "rooms" });
    const { ids } = (rooms as { room: string; ids: typeof conversation }[]).find(
      ({ room }) => room === chatroom,
    ) as { ids: typeof conversation };
    conversation = ids;
    await saySomething();
    logs = new Map();
    for (const room of [chatroom, direct]) logs.set(room, await owner.socket.history(room));
  }, 60_000);
  afterAll(() => site?.close());

  const get = (path: string) => must(site.url, "GET", path, { headers: bearerOf(owner) });
  const send = (method: string, path: string, json?: object) =>
    must(site.url, method, path, { headers: bearerOf(owner), ...(json && { json }) });

  /** A message with a file, an answer to it, a call, a pin, a rename, and a message in the one-to-one room. */
  async function saySomething(): Promise<void> {
    const body = new FormData();
    body.set("file", new File(["Hello"], "a.txt"));
    const upload = await fetch(`${site.url}/v1/attachments`, {
      ...{ method: "POST", headers: bearerOf(owner), body },
    });
    const { id: file } = (await upload.json()) as { id: string };
    await send("POST", "/v1/contacts", { username: member.handle, phone_number: "1" });
    const first = await send("POST", "/v1/messages", {
      ...{ conversation_id: conversation.publicId, message: "With a file", attachments: [file] },
    });
    const path = `/v1/conversations/${conversation.publicId}`;
    await send("PUT", path, { pinned_message_id: first.json.id });
    await send("PUT", `/conversations/${conversation.uuid}/name`, { name: `Renamed ${randomUUID()}` });
    await send("PUT", `/conversations/${conversation.uuid}/self`, { otr_archived: false, hidden: false });
    await talk(site, owner, "POST", `/room/${chatroom}/participants/active`);
    await talk(site, owner, "POST", `/call/${chatroom}`);
    await talk(site, owner, "POST", `/chat/${chatroom}`, { message: "An answer", replyTo: first.json.seq });
    await owner.socket.send(direct, randomUUID(), "Just you");
  }

  /** What an answer holds, at any depth. */
  function thingsIn(value: unknown): Thing[] {
    if (typeof value !== "object" || value === null) return [];
    const inside = Object.values(value).flatMap(thingsIn);
    return Array.isArray(value) ? inside : [value as Thing, ...inside];
  }

  const namesRoom = (thing: Thing) =>
    NAMES_ROOM.some((field) => typeof thing[field] === "string") || OF_ROOM.some((field) => field in thing);
  const isMessage = (thing: Thing) =>
    "messageType" in thing || typeof thing.message_id === "string" || ("message" in thing && "seq" in thing);

  /** Looks at all that an answer names. @returns the rooms and messages that it named, in the words of the socket */
  function compared({ json }: Answer): { rooms: Set<unknown>; seqs: number[] } {
    const things = thingsIn(json);
    const naming = things.filter((thing) => namesRoom(thing) || isMessage(thing));
    for (const thing of naming)
      expect(thing, "names its room").toMatchObject({ room: expect.any(String), ...tokenOf(thing) });
    const messages = things.filter(isMessage);
    for (const { room, seq, message } of messages) {
      const event = logs.get(room as string)?.find((one) => one.seq === seq);
      expect(event, `${room} ${seq} is in the log`).toBeDefined();
      // Talk tells of what is no message as of a message of the system.
      if (event?.type === "message" && typeof message === "string") expect(event.data.text).toBe(message);
    }
    return {
      rooms: new Set(naming.map(({ room }) => room)),
      seqs: messages.map(({ seq }) => seq as number),
    };
  }

  const tokenOf = ({ token }: Thing) => (token === undefined ? {} : { room: token });

  describe("on Protocol", () => {
    test.each([
      ["a conversation", () => `/v1/conversations/${conversation.publicId}`, 0],
      ["a group", () => `/v1/groups/${conversation.publicId}`, 0],
      ["messages", () => `/v1/messages?conversation_id=${conversation.publicId}`, 2],
      ["files", () => "/v1/attachments", 1],
    ])("%s", async (_, path, messages) => {
      const { rooms, seqs } = compared(await get(path()));
      expect([...rooms]).toEqual(expect.arrayContaining([chatroom]));
      expect(seqs.length).toBeGreaterThanOrEqual(messages);
    });

    test("contacts and conversations name one-to-one rooms", async () => {
      const { json } = await get("/v1/contacts");
      expect(json.data).toEqual([expect.objectContaining({ id: member.publicId, room: direct })]);
      expect(compared(await get("/v1/conversations")).rooms).toEqual(new Set([chatroom, direct]));
    });

    test("a conversation names its pinned message, and a file that is not sent nothing", async () => {
      const { json } = await get(`/v1/conversations/${conversation.publicId}`);
      const pinned = logs.get(chatroom)?.find(({ data }) => data.text === "With a file");
      expect(json.pinned_seq).toBe(pinned?.seq);
      const body = new FormData();
      body.set("file", new File(["unsent"], "b.txt"));
      const sent = { method: "POST", headers: bearerOf(owner), body };
      const unsent = await (await fetch(`${site.url}/v1/attachments`, sent)).json();
      expect(unsent).toMatchObject({ message_id: null, room: null, seq: null });
    });
  });

  describe("on Talk", () => {
    const ask = (path: string) => must(site.url, "GET", TALK_PREFIX + path, { headers: talkHeaders(owner) });

    test("rooms, with their last message", async () => {
      const answer = await ask("/room");
      const { rooms, seqs } = compared(answer);
      expect(rooms).toEqual(new Set([chatroom, direct]));
      const lasts = answer.json.ocs.data.map(({ lastMessage }: { lastMessage: Thing }) => lastMessage.seq);
      expect(seqs).toEqual(expect.arrayContaining(lasts));
      expect(compared(await ask(`/room/${chatroom}`)).rooms).toEqual(new Set([chatroom]));
    });

    test("messages, those that they answer, and those of the system", async () => {
      const answer = await ask(`/chat/${chatroom}?lookIntoFuture=0`);
      const { rooms, seqs } = compared(answer);
      expect(rooms).toEqual(new Set([chatroom]));
      const data = answer.json.ocs.data as { id: number; parent?: object }[];
      expect(data.some(({ parent }) => parent !== undefined)).toBe(true);
      expect(data.every(({ id }) => seqs.includes(id))).toBe(true);
    });

    test("who is in the call", async () => {
      expect(compared(await ask(`/call/${chatroom}`)).rooms).toEqual(new Set([chatroom]));
    });
  });

  describe("on Wire", () => {
    test("conversations, those of a team, and pages of ids", async () => {
      const { json } = await get("/conversations");
      const conversations = json.conversations as { id: string; room: string }[];
      expect(conversations.map(({ room }) => room).sort()).toEqual([chatroom, direct].sort());
      expect(conversations.find(({ id }) => id === conversation.uuid)?.room).toBe(chatroom);
      const ids = (await get("/conversations/ids")).json;
      expect(ids.conversations).toEqual(conversations.map(({ id }) => id));
      expect(ids.rooms).toEqual(conversations.map(({ room }) => room));
      const team = `/teams/${site.organization.uuid}/conversations`;
      expect(compared(await get(team)).rooms).toEqual(new Set([chatroom]));
      expect(compared(await get(`${team}/${conversation.uuid}`)).rooms).toEqual(new Set([chatroom]));
    });

    test("connections", async () => {
      const { uuid } = await site.newPerson();
      const made = await send("POST", "/connections", { user: uuid, name: "x", message: "Hello" });
      const { rooms } = compared(made);
      expect(compared(await get(`/connections/${uuid}`)).rooms).toEqual(rooms);
      const { rooms: list } = await owner.socket.ask({ op: "rooms" });
      expect((list as { room: string }[]).map(({ room }) => room)).toEqual(
        expect.arrayContaining([...rooms]),
      );
    });

    test("the event of a change, and where the log has it; what changed nothing has no place", async () => {
      const path = `/conversations/${conversation.uuid}`;
      const name = `Renamed ${randomUUID()}`;
      const renamed = (await send("PUT", `${path}/name`, { name })).json;
      expect(renamed.room).toBe(chatroom);
      const [event] = (
        await owner.socket.ask({ op: "history", room: chatroom, around: renamed.seq, limit: 1 })
      ).events as WireEvent[];
      expect(event).toMatchObject({ seq: renamed.seq, type: "room.changed", data: { name } });
      const again = (await send("PUT", `${path}/name`, { name })).json;
      expect(again.room).toBe(chatroom);
      expect("seq" in again).toBe(false);
      const users = [site.extra.uuid, site.newcomer.uuid];
      const joined = (await send("POST", `${path}/members`, { users })).json;
      const log = await owner.socket.history(chatroom);
      expect(joined).toMatchObject({ room: chatroom, seq: log.at(-1)?.seq });
      expect(log.at(-1)?.type).toBe("member.joined");
    });

    test("notifications; of the member's own settings only the room", async () => {
      const { notifications } = (await get("/notifications?size=1000")).json;
      const events = thingsIn(notifications).filter(({ type }) => String(type).startsWith("conversation."));
      const log = await owner.socket.history(chatroom);
      const types = new Map(log.map(({ seq, type }) => [seq, type]));
      const ofRoom = events.filter((event) => event.conversation === conversation.uuid);
      expect(ofRoom.map(({ room }) => room)).toEqual(ofRoom.map(() => chatroom));
      const place = (wanted: string) => ofRoom.find(({ type }) => type === wanted)?.seq;
      expect(types.get(place("conversation.rename") as number)).toBe("room.changed");
      expect(types.get(place("conversation.create") as number)).toBe("member.joined");
      expect(place("conversation.member-update")).toBeUndefined();
      const connection = thingsIn(notifications).find(({ qualified_to }) => qualified_to !== undefined);
      expect(connection).toMatchObject({ room: expect.any(String) });
    });
  });

  test("on Messenger: chatrooms", async () => {
    const { rooms } = compared(await get(`/api/v1/chat/chatrooms?organization_id=${site.organization.id}`));
    expect(rooms).toEqual(new Set([chatroom]));
  });
});
