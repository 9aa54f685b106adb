/** One room, changed through every face: each face, the WebSocket and Matrix show the same truth. */
import { expect, test, vi } from "vitest";
import { matrixReader } from "../black-box/matrix-reader.ts";
import { freePort } from "../black-box/processes.ts";
import { call, matrixRoomId, messenger, provision } from "../black-box/provision.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { SocketClient } from "../black-box/socket-client.ts";
import { describeWith } from "../services/need.ts";

const NAME = "Zürich שלום 👩‍🚒";
const LIMIT = { timeout: 30_000 };

interface WireConversation {
  id: string;
  name: string;
  members: {
    self: { otr_muted_status: number | null; conversation_role: string };
    others: { conversation_role: string }[];
  };
}

interface MatrixLogin {
  accessToken: string;
  wellKnown: { "m.homeserver": { base_url: string } };
}

describeWith("synapseProgram", "one room through all faces", () => {
  const fleet = serverFleet();

  test("made by Messenger, renamed by Wire, locked by Talk, muted and pinned by Protocol, joined from Matrix", async () => {
    const server = await fleet.start({ MATRIX_HOMESERVER_URL: "", MATRIX_PORT: String(await freePort()) });
    const site = await provision(server.url, ["ann", "ben"], 1);
    const [ann, ben] = site.people as [(typeof site.people)[0], (typeof site.people)[0]];
    const room = site.rooms[0]!;
    const bearer = { authorization: `Bearer ${ann.token}` };
    const wire = <T>(method: string, path: string, body?: unknown) =>
      call<T>(`${server.url}/${path}`, method, bearer, body);
    const talk = async <T>(method: string, path: string, body?: unknown) => {
      const url = `${server.url}/ocs/v2.php/apps/spreed/api/v1/${path}?format=json`;
      return (await call<{ ocs: { data: T } }>(url, method, { ...bearer, "OCS-APIRequest": "true" }, body))
        .ocs.data;
    };
    const socket = new SocketClient("ann", ann.token, "json");
    await socket.connect(server.url);
    const changed = (field: string) =>
      socket.until(`room.changed ${field}`, () =>
        socket.log(room.token).some(({ type, data }) => type === "room.changed" && field in data),
      );

    // Renamed by Wire.
    const before = await wire<{ conversations: WireConversation[] }>("GET", "conversations");
    const { id: uuid } = before.conversations.find(({ name }) => name === room.name)!;
    await wire("PUT", `conversations/${uuid}/name`, { name: NAME });
    await changed("name");
    // Favourited and locked by Talk.
    await talk("POST", `room/${room.token}/favorite`);
    await talk("PUT", `room/${room.token}/read-only`, { state: 1 });
    await changed("readOnly");
    await expect(socket.send(room.token, "locked", "too late")).rejects.toThrow("read_only");
    // Muted and pinned by Protocol.
    const groups = await wire<{ data: { name: string; conversation_id: string }[] }>("GET", "v1/groups");
    const { conversation_id: id } = groups.data.find(({ name }) => name === NAME)!;
    await wire("PUT", `v1/conversations/${id}`, { is_muted: true, is_pinned: true });
    // Joined from Matrix.
    await server.untilReady();
    const matrixRoom = await matrixRoomId(server.url, site, room);
    const reader = await matrixReader(server.url, ben);
    await reader.enter(matrixRoom);

    expect(await messenger(server.url, ann.token, "GET", `chatrooms/${room.id}`)).toMatchObject({
      ...{ id: room.id, token: room.token, name: NAME, type: "custom", matrixRoomID: matrixRoom },
      ...{ admins: [ann.id], moderators: [], assignedUsers: [ben.id], organizationID: site.organizationId },
    });
    expect(await talk("GET", `room/${room.token}`)).toMatchObject({
      ...{ token: room.token, type: 2, name: NAME, displayName: NAME, participantType: 1, readOnly: 1 },
      ...{ isFavorite: true, hasPassword: false, hasCall: false, unreadMessages: 0, lobbyState: 0 },
    });
    const conversation = await wire<WireConversation>("GET", `conversations/${uuid}`);
    expect(conversation).toMatchObject({ id: uuid, name: NAME, type: 0 });
    expect(conversation.members.self.conversation_role).toBe("wire_admin");
    expect(conversation.members.self.otr_muted_status).toBeGreaterThan(0);
    expect(conversation.members.others.map((other) => other.conversation_role)).toEqual(["wire_member"]);
    expect(await wire("GET", `v1/conversations/${id}`)).toMatchObject({
      ...{ id, contact_id: null, is_muted: true, is_pinned: true, archived_at: null },
    });
    const again = new SocketClient("ann again", ann.token, "msgpack");
    const ready = await again.connect(server.url);
    const seen = socket.log(room.token);
    expect(ready.rooms).toEqual([
      expect.objectContaining({ room: room.token, name: NAME, head: seen.at(-1)!.seq, unread: 0 }),
    ]);
    expect(socket.faults).toEqual([]);
    expect(await nameInMatrix(server.url, ben.token, matrixRoom)).toBe(NAME);
    await Promise.all([socket.drop(), again.drop()]);
  }, 300_000);
});

/** The room's name as the person sees it in Matrix, as soon as it is the new one. */
async function nameInMatrix(url: string, token: string, matrixRoomId: string): Promise<string> {
  const login = await messenger<MatrixLogin>(url, token, "POST", "user/login", { deviceID: "NAMES" });
  const base = login.wellKnown["m.homeserver"].base_url;
  const path = `${base}/_matrix/client/v3/rooms/${encodeURIComponent(matrixRoomId)}/state/m.room.name`;
  const headers = { authorization: `Bearer ${login.accessToken}` };
  return await vi.waitFor(async () => {
    const { name } = await call<{ name: string }>(path, "GET", headers);
    expect(name).toBe(NAME);
    return name;
  }, LIMIT);
}
