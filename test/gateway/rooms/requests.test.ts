/** [GW-16.19] Direct chats that people of Matrix ask for, as the sessions of their users see them. */
import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import type { Actor } from "../../../src/domain/model.ts";
import { describeWith } from "../../services/need.ts";
import { type Node, type Person, person, site } from "../fixtures.ts";
import type { Frame, RawClient } from "../raw-client.ts";

describeWith("postgres", "requests from Matrix", ({ postgres }) => {
  const here = site(() => postgres.url);
  let node: Node;
  let refs = 0;
  beforeAll(async () => {
    node = await here.node();
  });

  const somebody = (): Actor => ({ kind: "matrix", id: `@${randomUUID()}:elsewhere.test`, name: "Mel" });
  async function enter({ token }: Person): Promise<{ client: RawClient; ready: Frame }> {
    const client = await here.raw(node);
    return { client, ready: await client.hello(token) };
  }
  const ask = (client: RawClient, op: string, more: object = {}) =>
    client.ask({ op, ref: `${op} ${refs++}`, ...more });
  const entryOf = (frame: Frame) => frame.room as Record<string, unknown>;
  const isEntry = (token: string, request: boolean) => (frame: Frame) =>
    frame.op === "room" && entryOf(frame).room === token && "request" in entryOf(frame) === request;

  test("[GW-16.19] come to all sessions, stand in ready, and are accepted with room.join, once", async () => {
    const [ada, mel] = [await person(node, "Ada"), somebody()];
    const { client } = await enter(ada);
    const room = await node.useCases.matrixRequests.ask(mel, ada.id);
    const told = entryOf(await client.next(isEntry(room.token, true)));
    expect(told).toMatchObject({ type: "one_to_one", name: "Mel", request: true, members: 2, unread: 0 });
    expect(told).not.toHaveProperty("peer");
    const { client: phone, ready } = await enter(ada);
    expect(ready.rooms).toMatchObject([{ room: room.token, request: true }]);
    const says = () => ask(client, "send", { room: room.token, id: randomUUID(), text: "Hello" });
    expect(await says()).toMatchObject({ code: "forbidden" });
    const joined = await ask(phone, "room.join", { room: room.token });
    expect(joined).toMatchObject({ op: "ok", room: { room: room.token } });
    expect(joined.room).not.toHaveProperty("request");
    expect(joined).not.toHaveProperty("duplicate");
    await client.next(isEntry(room.token, false));
    expect(await ask(phone, "room.join", { room: room.token })).toMatchObject({ duplicate: true });
    expect(await says()).toMatchObject({ op: "ok" });
  });

  test("[GW-16.19] are refused with room.leave, again and again", async () => {
    const ada = await person(node, "Ada");
    const { client } = await enter(ada);
    const room = await node.useCases.matrixRequests.ask(somebody(), ada.id);
    await client.next(isEntry(room.token, true));
    expect(await ask(client, "room.leave", { room: room.token })).toMatchObject({ op: "ok" });
    expect(await ask(client, "room.leave", { room: room.token })).toMatchObject({ duplicate: true });
    expect((await enter(ada)).ready.rooms).toEqual([]);
    expect(await ask(client, "room.join", { room: room.token })).toMatchObject({ code: "not_found" });
  });

  test("[GW-16.19] are refused for good with block, which takes the Matrix id that members names", async () => {
    const [ada, mel] = [await person(node, "Ada"), somebody()];
    const { client } = await enter(ada);
    const { client: desk } = await enter(ada);
    const room = await node.useCases.matrixRequests.ask(mel, ada.id);
    const { members } = await ask(client, "members", { room: room.token });
    expect(members).toMatchObject([
      { user: { kind: "matrix", id: mel.id } },
      { user: { id: String(ada.id) } },
    ]);
    expect(await ask(client, "block", { user: mel.id })).not.toHaveProperty("duplicate");
    expect(await desk.next(({ op }) => op === "block")).toMatchObject({ user: mel.id, on: true });
    expect(await ask(client, "block", { user: mel.id })).toMatchObject({ duplicate: true });
    expect(await ask(desk, "blocked")).toMatchObject({ users: [], matrix: [mel.id] });
    expect((await enter(ada)).ready.rooms).toEqual([]);
    await expect(node.useCases.matrixRequests.ask(mel, ada.id)).rejects.toMatchObject({ code: "not_found" });
    expect(await ask(client, "unblock", { user: mel.id })).not.toHaveProperty("duplicate");
    expect(await ask(desk, "blocked")).toEqual(expect.not.objectContaining({ matrix: expect.anything() }));
    expect(await ask(client, "block", { user: "@nobody" })).toMatchObject({
      code: "not_found",
      field: "user",
    });
  });
});
