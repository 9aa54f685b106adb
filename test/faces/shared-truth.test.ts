/** One room through all faces, step by step: what one of them changes, the others, the WebSocket and Matrix show. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MatrixReader, matrixReader } from "../black-box/matrix-reader.ts";
import { admin, call, matrixRoomId, messenger } from "../black-box/provision.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { Refused, SocketClient, type WireEvent } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";

interface Someone {
  id: number;
  uuid: string;
  publicId: string;
  handle: string;
  displayName: string;
  token: string;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Any = any;

/** Combining characters, right-to-left, emoji of several code points, and letters beyond the basic plane. */
const FIRST_NAME = "Tea\u0301m אבטחה";
const SECOND_NAME = "Команда 👩‍🚒🚀 𝔄";

describeWith(["postgres", "synapse"], "the same truth on all faces", ({ postgres, synapse }) => {
  const fleet = serverFleet();
  let server: ServerProcess;
  let organization: { id: number; uuid: string };
  let ada: Someone;
  let ben: Someone;
  let cleo: Someone;
  let adasSocket: SocketClient;
  let bensSocket: SocketClient;
  let cleosMatrix: MatrixReader;
  let room: { id: number; token: string; uuid: string; publicId: string; matrixId: string };

  beforeAll(async () => {
    const { registration, url, serverName } = synapse;
    server = await fleet.start({
      ...{ DATABASE_URL: postgres.url, PORT: String(registration.port) },
      ...{ MATRIX_HOMESERVER_URL: url, MATRIX_SERVER_NAME: serverName },
      ...{ MATRIX_REGISTRATION: registration.path, MATRIX_USER_PREFIX: registration.prefix },
      // Sessions stay, however long nobody says anything in them.
      HEARTBEAT_MS: "300000",
    });
    await server.untilReady();
    organization = await admin(server.url, "POST", "organizations", { name: "All faces" });
    [ada, ben, cleo] = [await newUser("ada", "admin"), await newUser("ben"), await newUser("cleo")];
    adasSocket = new SocketClient("ada", ada.token, "json");
    bensSocket = new SocketClient("ben", ben.token, "msgpack");
    await adasSocket.connect(server.url);
    await bensSocket.connect(server.url);
    cleosMatrix = await matrixReader(server.url, { ...cleo, name: cleo.displayName });
  }, 300_000);
  afterAll(async () => {
    await adasSocket?.drop();
    await bensSocket?.drop();
    await server?.stop();
  });

  async function newUser(handle: string, role = "member"): Promise<Someone> {
    const user = await admin<Someone>(server.url, "POST", "users", {
      ...{ handle, displayName: `${handle} Example` },
      organizations: [{ id: organization.id, role }],
    });
    const wanted = { userId: user.id, name: "faces" };
    const { token } = await admin<{ token: string }>(server.url, "POST", "tokens", wanted);
    return { ...user, token };
  }

  const ask = (who: Someone, method: string, path: string, body?: unknown): Promise<Any> =>
    call(server.url + path, method, { Authorization: `Bearer ${who.token}` }, body);
  const talk = async (who: Someone, method: string, path: string, body?: unknown): Promise<Any> => {
    const url = new URL(`/ocs/v2.php/apps/spreed/api/v1/${path}`, server.url);
    url.searchParams.set("format", "json");
    return (await ask(who, method, url.pathname + url.search, body)).ocs.data;
  };
  const ofMessenger = () => messenger<Any>(server.url, ada.token, "GET", `chatrooms/${room.id}`);

  /** As a session that begins now is told of it. */
  async function atHello(who: Someone): Promise<Any> {
    const client = new SocketClient("fresh", who.token, "json");
    const { rooms } = await client.connect(server.url);
    await client.drop();
    return rooms.find((one) => one.room === room.token);
  }

  /** The room as each face shows it to one of its members. */
  async function shown(who: Someone) {
    const [messenger, talkRoom, participants, wire, conversation, group, socket] = await Promise.all([
      ofMessenger(),
      talk(who, "GET", `room/${room.token}`),
      talk(who, "GET", `room/${room.token}/participants`),
      ask(who, "GET", `/conversations/${room.uuid}`),
      ask(who, "GET", `/v1/conversations/${room.publicId}`),
      ask(who, "GET", `/v1/groups/${room.publicId}`),
      atHello(who),
    ]);
    return { messenger, talk: talkRoom, participants, wire, conversation, group, socket };
  }

  /** The event that tells of it, the same on both sockets. */
  async function told(accepts: (event: WireEvent) => boolean): Promise<WireEvent> {
    const [first, second] = await Promise.all(
      [adasSocket, bensSocket].map(async (socket) => {
        const find = () => socket.log(room.token).find(accepts);
        await socket.until("the event", () => find() !== undefined);
        return find();
      }),
    );
    expect(second).toEqual(first);
    return first as WireEvent;
  }
  const changed = (field: string, value: unknown) =>
    told(({ type, data }) => type === "room.changed" && data[field] === value);
  const joined = (who: Someone) =>
    told(({ type, data }) => type === "member.joined" && (data.member as Any).id === String(who.id));

  /** Faces say the name and the members in their own words, and the same of them; ada alone owns the room. */
  async function expectAlike(name: string, members: Someone[]): Promise<void> {
    const isAda = (one: Someone) => one === ada;
    for (const who of [ada, ben]) {
      const all = await shown(who);
      const others = members.filter((one) => one !== who);
      expect({
        messenger: all.messenger.name,
        talk: [all.talk.name, all.talk.displayName],
        wire: all.wire.name,
        protocol: all.group.name,
        socket: all.socket.name,
      }).toEqual({ messenger: name, talk: [name, name], wire: name, protocol: name, socket: name });
      expect({
        messenger: [all.messenger.admins, all.messenger.moderators, all.messenger.assignedUsers],
        talk: Object.fromEntries(all.participants.map((one: Any) => [one.userId, one.participantType])),
        wire: sorted(all.wire.members.others.map(({ id }: Any) => id)),
        protocol: sorted(all.group.contacts.map(({ id }: Any) => id)),
      }).toEqual({
        messenger: [[ada.id], [], members.filter((one) => !isAda(one)).map(({ id }) => id)],
        talk: Object.fromEntries(members.map((one) => [one.handle, isAda(one) ? 1 : 3])),
        wire: sorted(others.map(({ uuid }) => uuid)),
        protocol: sorted(others.map(({ publicId }) => publicId)),
      });
      expect(sorted(Object.keys(all.talk.participants))).toEqual(sorted(members.map(({ handle }) => handle)));
      expect({
        talk: all.talk.participantType,
        wire: [all.wire.members.self.id, all.wire.members.self.conversation_role],
        socket: all.socket.role,
      }).toEqual({
        talk: isAda(who) ? 1 : 3,
        wire: [who.uuid, isAda(who) ? "wire_admin" : "wire_member"],
        socket: isAda(who) ? "owner" : "user",
      });
    }
  }

  test("made by Messenger, it is there on every face, on the WebSocket and in Matrix", async () => {
    const made = await messenger<Any>(server.url, ada.token, "POST", "chatrooms", {
      ...{ organizationID: organization.id, name: FIRST_NAME, assignedUsers: [ben.id] },
    });
    const [{ id: uuid }] = (await ask(ben, "GET", "/conversations")).conversations;
    const [{ id: publicId }] = (await ask(ben, "GET", "/v1/conversations")).data;
    room = { id: made.id, token: made.token, uuid, publicId, matrixId: "" };
    expect(await joined(ada)).toMatchObject({ actor: { kind: "user", id: String(ada.id) } });

    await expectAlike(FIRST_NAME, [ada, ben]);
    const all = await shown(ada);
    expect(all.messenger).toMatchObject({ id: made.id, token: room.token, type: "custom" });
    expect(all.talk).toMatchObject({
      ...{ token: room.token, type: 2, readOnly: 0, lobbyState: 0, isFavorite: false, hasPassword: false },
      ...{ hasCall: false, unreadMessages: 0, unreadMention: false, sessionId: "0", canStartCall: true },
    });
    expect(all.wire).toMatchObject({ type: 0, creator: ada.uuid, team: organization.uuid });
    expect(all.conversation).toMatchObject({
      ...{ group_id: publicId, contact_id: null, is_pinned: false, is_muted: false },
      ...{ pinned_message_id: null, archived_at: null, last_active_at: null },
    });
    expect(all.socket).toMatchObject({ type: "group", unread: 0, mention: 0, call: 0 });
    const site = { organizationId: organization.id, people: [{ ...ada, name: "ada" }], rooms: [] };
    room.matrixId = await matrixRoomId(server.url, site, { ...room, name: FIRST_NAME });
  });

  test("renamed by Wire, it has the name everywhere", async () => {
    await ask(ada, "PUT", `/conversations/${room.uuid}/name`, { name: SECOND_NAME });
    expect((await changed("name", SECOND_NAME)).actor.id).toBe(String(ada.id));
    await expectAlike(SECOND_NAME, [ada, ben]);
  });

  test("favourited by Talk, it is so for whoever did it alone, and nobody is told", async () => {
    const { head } = await atHello(ada);
    await talk(ada, "POST", `room/${room.token}/favorite`);
    const [adas, bens] = [await shown(ada), await shown(ben)];
    expect([adas.talk.isFavorite, bens.talk.isFavorite]).toEqual([true, false]);
    expect([adas.socket.head, bens.socket.head]).toEqual([head, head]);
  });

  test("muted and pinned by Protocol, it is so for oneself, and the pinned message for all", async () => {
    const sent = { conversation_id: room.publicId, message: "Pin me 📌" };
    const { id } = await ask(ben, "POST", "/v1/messages", sent);
    const { seq } = await told(({ data }) => data.text === sent.message);
    const change = { is_muted: true, is_pinned: true, pinned_message_id: id };
    await ask(ada, "PUT", `/v1/conversations/${room.publicId}`, change);
    expect((await told(({ type }) => type === "message.pinned")).data).toEqual({ seq });

    const [adas, bens] = [await shown(ada), await shown(ben)];
    expect(adas.conversation).toMatchObject(change);
    expect(bens.conversation).toMatchObject({ is_muted: false, is_pinned: false, pinned_message_id: id });
    expect(adas.wire.members.self.otr_muted_status).toBe(1);
    expect(bens.wire.members.self.otr_muted_status).toBeNull();
    expect([adas.talk.unreadMessages, adas.socket.unread]).toEqual([1, 1]);
    expect([bens.talk.unreadMessages, bens.socket.unread], "one's own message is read").toEqual([0, 0]);
    expect(adas.talk.lastMessage).toMatchObject({ message: sent.message, actorId: ben.handle });
    expect(adas.socket.last).toMatchObject({ seq, type: "message", data: { text: sent.message } });
  });

  test("locked by Talk, nobody writes in it on any face until it is unlocked", async () => {
    await talk(ada, "PUT", `room/${room.token}/read-only`, { state: 1 });
    await changed("readOnly", true);
    for (const who of [ada, ben])
      expect((await shown(who)).talk).toMatchObject({ readOnly: 1, canStartCall: false });
    const sent = { conversation_id: room.publicId, message: "May I?" };
    expect({
      talk: await refused(talk(ada, "POST", `chat/${room.token}`, { message: "May I?" })),
      protocol: await refused(ask(ben, "POST", "/v1/messages", sent)),
      wire: await refused(ask(ben, "POST", `/conversations/${room.uuid}/typing`, { status: "started" })),
      socket: await refused(bensSocket.send(room.token, "locked", "May I?")),
    }).toEqual({ talk: "403", protocol: "403", wire: "403", socket: "read_only" });
    await talk(ada, "PUT", `room/${room.token}/read-only`, { state: 0 });
    await changed("readOnly", false);
    expect((await shown(ben)).talk).toMatchObject({ readOnly: 0, canStartCall: true });
  });

  test("joined by a Matrix client, its person is in it everywhere, and is read everywhere", async () => {
    const invited = { users: [cleo.uuid], conversation_role: "wire_member" };
    await ask(ada, "POST", `/conversations/${room.uuid}/members`, invited);
    await joined(cleo);
    await expectAlike(SECOND_NAME, [ada, ben, cleo]);

    await cleosMatrix.untilMember(room.matrixId);
    expect(await cleosMatrix.roomName(room.matrixId)).toBe(SECOND_NAME);
    const text = "Hello from Matrix, שלום 🌍";
    await cleosMatrix.send(room.matrixId, "shared-truth", text);
    const event = await told(({ data }) => data.text === text);
    expect(event).toMatchObject({ type: "message", actor: { kind: "user", id: String(cleo.id) } });

    const seconds = Math.floor(event.at / 1_000);
    const [ofTalk] = await talk(ben, "GET", `chat/${room.token}?lookIntoFuture=0`);
    expect(ofTalk).toMatchObject({
      ...{ message: text, actorType: "users", actorId: cleo.handle, actorDisplayName: cleo.displayName },
      ...{ timestamp: seconds, systemMessage: "", messageType: "comment" },
    });
    const [ofProtocol] = (await ask(ben, "GET", `/v1/messages?conversation_id=${room.publicId}`)).data;
    expect(ofProtocol).toMatchObject({
      ...{ message: text, conversation_id: room.publicId, created_at: seconds },
      contact: { id: cleo.publicId, username: cleo.handle },
    });
    const all = await shown(ben);
    expect(all.talk).toMatchObject({ unreadMessages: 1, lastMessage: { id: ofTalk.id, message: text } });
    expect(all.socket).toMatchObject({ unread: 1, head: event.seq, last: { seq: event.seq } });
    expect(all.conversation.last_active_at).toBe(seconds);
  });

  test("read on Talk, it is read on the WebSocket, at once and later", async () => {
    const { lastMessage } = (await shown(ben)).talk;
    await talk(ben, "POST", `chat/${room.token}/read`, { lastReadMessage: lastMessage.id });
    await bensSocket.until("the read marker", () =>
      bensSocket.others.some(({ op, unread }) => op === "unread" && unread === 0),
    );
    const all = await shown(ben);
    expect(all.talk).toMatchObject({ unreadMessages: 0, lastReadMessage: lastMessage.id });
    expect(all.socket.unread).toBe(0);
  });

  test("written on the WebSocket, on Talk and on Protocol, it is read in Matrix", async () => {
    await adasSocket.send(room.token, "to-all", "From the WebSocket");
    await talk(ben, "POST", `chat/${room.token}`, { message: "From Talk" });
    const sent = { conversation_id: room.publicId, message: "From Protocol" };
    await ask(cleo, "POST", "/v1/messages", sent);
    const wanted = ["From the WebSocket", "From Talk", "From Protocol"];
    const texts = await cleosMatrix.untilTexts(room.matrixId, wanted);
    expect(texts.slice(-3).map(({ body }) => body)).toEqual(wanted);
  });

  test("deleted by Wire, it is gone from every face", async () => {
    await ask(ada, "DELETE", `/teams/${organization.uuid}/conversations/${room.uuid}`);
    await told(({ type }) => type === "room.deleted");
    expect({
      messenger: await refused(ofMessenger()),
      talk: await refused(talk(ben, "GET", `room/${room.token}`)),
      wire: await refused(ask(ben, "GET", `/conversations/${room.uuid}`)),
      conversation: await refused(ask(ben, "GET", `/v1/conversations/${room.publicId}`)),
      group: await refused(ask(ben, "GET", `/v1/groups/${room.publicId}`)),
      socket: await atHello(ben),
    }).toEqual({
      ...{ messenger: "404", talk: "404", wire: "404", conversation: "404", group: "404" },
      socket: undefined,
    });
    expect([...adasSocket.faults, ...bensSocket.faults]).toEqual([]);
  });
});

function sorted(texts: string[]): string[] {
  return [...texts].sort();
}

/** The status, or on the WebSocket the code, of what is refused. */
async function refused(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => new Error("it was not refused"),
    (reason: Error) => reason,
  );
  return error instanceof Refused ? error.code : (/answered (\d+)/.exec(error.message)?.[1] ?? error.message);
}
