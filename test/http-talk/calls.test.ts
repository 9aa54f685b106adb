/** Talk's calls and their signaling (reference §B.4, §B.6.20), and what clients of the WebSocket see of it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SocketClient } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";
import { type Client, join, makeRoom, openSite, type Person, type Site } from "./site.ts";

describeWith("postgres", "Talk's calls", ({ postgres }) => {
  let site: Site;
  let ada: Person;
  let ben: Person;
  let stranger: Person;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    ada = await site.person("Ada");
    ben = await site.person("Ben");
    stranger = await site.person("Sig");
  });
  afterAll(() => site?.close());

  const room = async (client: Client, token: string) => (await client.get(`/room/${token}`)).data;
  const leaveRoom = (client: Client, token: string) => client.delete(`/room/${token}/participants/active`);

  test("[B.6.20] peers go 0, 1, 2, 1 as people join and leave", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    const peers = async () => (await ben.get(`/call/${token}`)).data;
    expect(await peers()).toEqual([]);
    const sessionId = await join(ada, token);
    expect(await ada.post(`/call/${token}`, { flags: 3 })).toMatchObject({ status: 200, data: [] });
    expect(await peers()).toEqual([
      { userId: ada.id, token, room: token, lastPing: expect.any(Number), sessionId },
    ]);
    await join(ben, token);
    expect((await ben.post(`/call/${token}`)).status).toBe(200);
    expect(await peers()).toHaveLength(2);
    expect((await ada.delete(`/call/${token}`)).status).toBe(200);
    expect(await peers()).toMatchObject([{ userId: ben.id }]);
  });

  test("[B.6.20] leaving the room ends the call too", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    await join(ada, token);
    await ada.post(`/call/${token}`);
    expect(await room(ben, token)).toMatchObject({ hasCall: true });
    await leaveRoom(ada, token);
    expect(await room(ben, token)).toMatchObject({ hasCall: false });
    expect((await ben.get(`/call/${token}`)).data).toEqual([]);
  });

  test("[B.6.20] who has not joined the room, and who is not in it, is 404", async () => {
    const token = await makeRoom(ada, { type: 3, people: [ben] });
    for (const client of [ben, stranger, site.guest()]) {
      expect((await client.post(`/call/${token}`)).status).toBe(404);
      expect((await client.delete(`/call/${token}`)).status).toBe(404);
    }
    expect((await ben.get(`/call/${token}`)).status).toBe(200);
    expect((await stranger.get(`/call/${token}`)).status).toBe(404);
  });

  test("[B.8.5] leaving a call that one is not in is 200 for who joined the room", async () => {
    const token = await makeRoom(ada);
    await join(ada, token);
    expect((await ada.delete(`/call/${token}`)).status).toBe(200);
  });

  test("[B.4] a call in a room that was locked meanwhile is left with 200, and not joined again", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    for (const person of [ada, ben]) await join(person, token);
    await ben.post(`/call/${token}`);
    await ada.put(`/room/${token}/read-only`, { state: 1 });
    expect((await ben.delete(`/call/${token}`)).status).toBe(200);
    expect(await room(ada, token)).toMatchObject({ hasCall: false });
    expect((await ben.post(`/call/${token}`)).status).toBe(403);
  });

  test("[B.4] who has to wait when the lobby closes leaves the call, moderators stay in it", async () => {
    const token = await makeRoom(ada, { type: 3, people: [ben] });
    const guest = site.guest();
    for (const client of [ada, ben, guest]) {
      await join(client, token);
      await client.post(`/call/${token}`);
    }
    await ada.put(`/room/${token}/webinar/lobby`, { state: 1 });
    expect((await ada.get(`/call/${token}`)).data).toMatchObject([{ userId: ada.id }]);
    await ada.put(`/room/${token}/webinar/lobby`, { state: 0 });
    expect((await ada.get(`/call/${token}`)).data).toHaveLength(1);
    expect((await ben.post(`/call/${token}`)).status).toBe(200);
    expect((await ada.get(`/call/${token}`)).data).toHaveLength(2);
  });

  test("[B.4] flags are 7 unless told, change by joining again, and show everywhere", async () => {
    const token = await makeRoom(ada, { people: [ben] });
    const flagsOf = async () => {
      const seen = await room(ben, token);
      const { data } = await ben.get(`/room/${token}/participants`);
      expect(data[0].inCall).toBe(seen.participants[ada.id].call);
      const own = await room(ada, token);
      expect(own).toMatchObject({ participantInCall: own.participantFlags > 0 });
      expect(own.participantFlags).toBe(data[0].inCall);
      return data[0].inCall;
    };
    await join(ada, token);
    expect(await flagsOf()).toBe(0);
    await ada.post(`/call/${token}`);
    expect(await flagsOf()).toBe(7);
    await ada.post(`/call/${token}`, { flags: 1 });
    expect(await flagsOf()).toBe(1);
    for (const flags of [0, 8, -1, "x"])
      expect((await ada.post(`/call/${token}`, { flags })).status).toBe(400);
    await ada.delete(`/call/${token}`);
    expect(await flagsOf()).toBe(0);
  });

  test("[B.6.15] a guest joins the call after joining the room, and is shown without id", async () => {
    const token = await makeRoom(ada, { type: 3 });
    const guest = site.guest();
    expect((await guest.post(`/call/${token}`)).status).toBe(404);
    const sessionId = await join(guest, token);
    expect((await guest.post(`/call/${token}`)).status).toBe(200);
    expect((await ada.get(`/call/${token}`)).data).toEqual([
      { userId: "", token, room: token, lastPing: expect.any(Number), sessionId },
    ]);
    expect(await room(ada, token)).toMatchObject({ hasCall: true, numGuests: 1, count: 1 });
  });

  describe("with clients of the WebSocket", () => {
    const isType = (data: unknown, type: string) => (data as { type?: string }).type === type;
    async function socketOf(person: Person): Promise<SocketClient> {
      const client = new SocketClient(person.id, person.token, "json");
      await client.connect(site.url);
      return client;
    }

    type Frame = SocketClient["others"][number];
    async function frame(socket: SocketClient, wanted: (frame: Frame) => boolean): Promise<Frame> {
      await socket.until("a frame", () => socket.others.some(wanted));
      return socket.others.find(wanted) as Frame;
    }

    test("[B.3] count, sessionId, lastPing, hasCall and flags are the same truth for both", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const socket = await socketOf(ben);
      try {
        await socket.ask({ op: "open", room: token });
        await socket.ask({ op: "call.join", room: token, flags: 5 });
        const seen = await room(ada, token);
        expect(seen).toMatchObject({ count: 1, hasCall: true });
        expect(seen.participants[ben.id]).toMatchObject({ call: 5 });
        const own = await room(ben, token);
        expect(own).toMatchObject({ participantInCall: true, participantFlags: 5 });
        expect(own.sessionId).toHaveLength(512);
        expect(Math.abs(own.lastPing - Date.now() / 1_000)).toBeLessThan(60);
        await join(ada, token);
        await ada.post(`/call/${token}`, { flags: 2 });
        const told = await frame(socket, ({ op, flags }) => op === "call" && flags === 7);
        expect(told.participants).toHaveLength(2);
        await socket.ask({ op: "call.leave", room: token });
        expect(await room(ada, token)).toMatchObject({ hasCall: true });
        expect((await room(ada, token)).participants[ben.id].call).toBe(0);
        await socket.ask({ op: "close", room: token });
        expect(await room(ada, token)).toMatchObject({ count: 1 });
      } finally {
        await socket.drop();
      }
    });

    test("[B.4] [GW-9.5] signaling messages go between them, both ways, while both are in the call", async () => {
      const token = await makeRoom(ada, { type: 3, people: [ben] });
      const socket = await socketOf(ben);
      try {
        const guest = site.guest();
        const [hers, guests] = [await join(ada, token), await join(guest, token)];
        await socket.ask({ op: "open", room: token });
        const pulled = async (client: Client) => (await client.get(`/signaling/${token}`)).data;
        const bens = (await pulled(ada)).at(-1).data.find((one: { userId: string }) => one.userId === ben.id);
        const push = (client: Client, sessionId: string, type: string) => {
          const fn = JSON.stringify({ to: bens.sessionId, type, payload: { sdp: "🙂" } });
          const messages = JSON.stringify([{ ev: "message", fn, sessionId }]);
          return client.post(`/signaling/${token}`, { messages });
        };
        await push(ada, hers, "before the call");
        await socket.ask({ op: "call.join", room: token, flags: 3 });
        await push(ada, hers, "not in the call");
        await ada.post(`/call/${token}`);
        await guest.post(`/call/${token}`);
        await push(ada, hers, "offer");
        await push(guest, guests, "candidate");
        const told = await frame(socket, ({ op, data }) => op === "signal" && isType(data, "candidate"));
        const [first] = socket.others.filter(({ op }) => op === "signal");
        const data = { type: "offer", payload: { sdp: "🙂" } };
        expect(first).toMatchObject({ room: token, actor: { id: String(ada.user.id) }, data });
        expect((first as Frame).data).toEqual(data);
        for (const [client, to, session] of [
          [ada, first?.from, hers],
          [guest, told.from, guests],
        ] as const) {
          await socket.ask({ op: "call.signal", room: token, to, data: { type: "answer", from: "forged" } });
          const [message] = await pulled(client);
          expect(JSON.parse(message.data)).toEqual({ type: "answer", from: bens.sessionId, to: session });
        }
      } finally {
        await socket.drop();
      }
    });

    test("[B.3] unreadMessages and unreadMention are what the WebSocket counts, both ways", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const socket = await socketOf(ben);
      try {
        await ada.post(`/chat/${token}`, { message: "one" });
        const { data } = await ada.post(`/chat/${token}`, { message: `two @${ben.id}` });
        expect(await room(ben, token)).toMatchObject({ unreadMessages: 2, unreadMention: true });
        const again = await socketOf(ben);
        expect(again.ready?.rooms.find((one) => one.room === token)).toMatchObject({ unread: 2, mention: 1 });
        await again.ask({ op: "read", room: token, seq: data.id });
        await again.drop();
        expect(await room(ben, token)).toMatchObject({
          ...{ unreadMessages: 0, unreadMention: false, lastReadMessage: data.id },
        });
        const { data: third } = await ada.post(`/chat/${token}`, { message: "three" });
        await ben.post(`/chat/${token}/read`, { lastReadMessage: third.id });
        const told = await frame(
          socket,
          ({ op, room: where, read }) => op === "unread" && where === token && read === third.id,
        );
        expect(told).toMatchObject({ unread: 0, mention: 0 });
      } finally {
        await socket.drop();
      }
    });

    test("what is said and done through Talk comes as events", async () => {
      const token = await makeRoom(ada, { name: "Before", people: [ben] });
      const socket = await socketOf(ben);
      try {
        const { data } = await ada.post(`/chat/${token}`, { message: "hello 🙂" });
        await ada.put(`/room/${token}`, { roomName: "After" });
        const changed = () => socket.log(token).some(({ type }) => type === "room.changed");
        await socket.until("the new name", changed);
        const events = socket.log(token);
        expect(events.find(({ seq }) => seq === data.id)).toMatchObject({
          type: "message",
          data: { text: "hello 🙂" },
        });
        expect(events.at(-1)).toMatchObject({ data: { name: "After" } });
      } finally {
        await socket.drop();
      }
    });
  });

  describe("signaling", () => {
    interface Pulled {
      type: string;
      // biome-ignore lint/suspicious/noExplicitAny: a message or a list of users
      data: any;
    }
    const pull = async (client: Client, token: string): Promise<Pulled[]> => {
      const { status, data } = await client.get(`/signaling/${token}`);
      expect(status).toBe(200);
      return data;
    };
    const push = (client: Client, token: string, from: string, fn: object) =>
      client.post(`/signaling/${token}`, {
        messages: JSON.stringify([{ ev: "message", fn: JSON.stringify(fn), sessionId: from }]),
      });

    test("[B.4] settings are for everybody: internal, without servers", async () => {
      for (const [client, userId] of [
        [ada, ada.id],
        [site.guest(), null],
      ] as const) {
        const { status, data } = await client.get("/signaling/settings");
        expect(status).toBe(200);
        expect(data).toMatchObject({
          signalingMode: "internal",
          userId,
          server: "",
          stunservers: [],
          turnservers: [],
        });
      }
    });

    test("[B.4] who has not joined is 404", async () => {
      const token = await makeRoom(ada, { type: 3, people: [ben] });
      for (const client of [ben, stranger, site.guest()]) {
        expect((await client.get(`/signaling/${token}`)).status).toBe(404);
        expect((await push(client, token, "x", { to: "y" })).status).toBe(404);
      }
    });

    test("[B.4] a pull tells who is in the room, with call flags", async () => {
      const token = await makeRoom(ada, { type: 3 });
      const guest = site.guest();
      const [mine, theirs] = [await join(ada, token), await join(guest, token)];
      await guest.post(`/call/${token}`, { flags: 3 });
      const { id } = await room(ada, token);
      const time = expect.any(Number);
      expect(await pull(ada, token)).toEqual([
        {
          type: "usersInRoom",
          data: [
            { userId: ada.id, roomId: id, lastPing: time, sessionId: mine, inCall: 0 },
            { userId: "", roomId: id, lastPing: time, sessionId: theirs, inCall: 3 },
          ],
        },
      ]);
    });

    test("[B.4] who waits in the lobby is shown nobody but themselves, and gets their messages when it opens", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const [from, to] = [await join(ada, token), await join(ben, token)];
      await ada.post(`/call/${token}`, { flags: 3 });
      await pull(ben, token);
      const waiting = pull(ben, token);
      await ada.put(`/room/${token}/webinar/lobby`, { state: 1 });
      const alone = [{ userId: ben.id, sessionId: to, inCall: 0 }];
      expect(await waiting).toMatchObject([{ type: "usersInRoom", data: alone }]);
      expect((await push(ben, token, to, { to: from, type: "hidden" })).status).toBe(200);
      await push(ada, token, from, { to, type: "offer" });
      const still = pull(ben, token);
      await ada.put(`/room/${token}/webinar/lobby`, { state: 0 });
      const [message, users] = await still;
      expect(JSON.parse(message?.data)).toEqual({ to, from, type: "offer" });
      expect(users?.data).toHaveLength(2);
      expect((await pull(ada, token)).filter(({ type }) => type === "message")).toEqual([]);
    });

    test("[B.4] a message goes to its session, marked with whom it is from, and only once", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const [from, to] = [await join(ada, token), await join(ben, token)];
      await pull(ben, token);
      expect((await push(ada, token, from, { to, type: "offer", payload: { sdp: "🙂" } })).status).toBe(200);
      expect((await push(ada, token, from, { to, type: "candidate", from: "forged" })).status).toBe(200);
      const [first, second, users] = await pull(ben, token);
      expect(first?.type).toBe("message");
      expect(JSON.parse(first?.data)).toEqual({ to, from, type: "offer", payload: { sdp: "🙂" } });
      expect(JSON.parse(second?.data)).toEqual({ to, from, type: "candidate" });
      expect(users?.type).toBe("usersInRoom");
      const waiting = pull(ben, token);
      await push(ada, token, from, { to, type: "third" });
      expect((await waiting).map(({ type }) => type)).toEqual(["message", "usersInRoom"]);
    });

    test("[B.4] messages in another's name, to strangers' sessions or of other kinds are passed over", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      const [mine, theirs] = [await join(ada, token), await join(ben, token)];
      await pull(ben, token);
      await push(ada, token, theirs, { to: theirs, type: "forged" });
      await push(ada, token, mine, { to: "x".repeat(512), type: "lost" });
      const odd = [{ ev: "other" }, 7, null, { ev: "message", fn: "{", sessionId: mine }];
      expect((await ada.post(`/signaling/${token}`, { messages: JSON.stringify(odd) })).status).toBe(200);
      const fn = `{"to":"${theirs}","type":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
      const deep = JSON.stringify([{ ev: "message", fn, sessionId: mine }]);
      for (const messages of ["{", '"text"', "", deep]) {
        expect((await ada.post(`/signaling/${token}`, { messages })).status).toBe(400);
      }
      await push(ada, token, mine, { to: theirs, type: "real" });
      const [first, ...rest] = await pull(ben, token);
      expect(JSON.parse(first?.data)).toMatchObject({ type: "real" });
      expect(rest).toHaveLength(1);
    });

    test.each<[string, (token: string) => Promise<unknown>]>([
      ["somebody joins the room", (token) => join(ben, token)],
      ["a guest joins the room", (token) => join(site.guest(), token)],
    ])("[One domain] a pull returns as soon as %s", async (_, act) => {
      const token = await makeRoom(ada, { type: 3, people: [ben] });
      await join(ada, token);
      await pull(ada, token);
      const waiting = pull(ada, token);
      await act(token);
      const [users] = await waiting;
      expect(users?.data).toHaveLength(2);
    });

    test("[One domain] a pull returns as soon as somebody joins or leaves the call or the room", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      await join(ada, token);
      const session = await join(ben, token);
      await pull(ada, token);
      const flags = async (act: () => Promise<unknown>) => {
        const waiting = pull(ada, token);
        await act();
        const users = (await waiting).at(-1)?.data as { sessionId: string; inCall: number }[];
        return users.find(({ sessionId }) => sessionId === session)?.inCall;
      };
      expect(await flags(() => ben.post(`/call/${token}`, { flags: 3 }))).toBe(3);
      expect(await flags(() => ben.delete(`/call/${token}`))).toBe(0);
      expect(await flags(() => leaveRoom(ben, token))).toBe(undefined);
    });

    test("who leaves while waiting gets 404, and a client that hangs up is let go", async () => {
      const token = await makeRoom(ada, { people: [ben] });
      await join(ada, token);
      await pull(ada, token);
      const waiting = ada.get(`/signaling/${token}`);
      await leaveRoom(ada, token);
      expect((await waiting).status).toBe(404);
    });
  });
});
