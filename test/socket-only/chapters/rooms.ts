/** Making rooms, who is in them, and what moderators set. */
import { expect } from "vitest";
import { uploadFile } from "../../../src/client/commands/uploads.ts";
import type { Story } from "../story.ts";
import { PICTURE } from "./pictures.ts";

/** A group with a picture; who is in it has it in their list at once, under the same names. */
export async function group({ stage, phone, laptop, bens, cleos, ben, cleo, rooms }: Story): Promise<void> {
  const picture = await uploadFile(phone.client, { file: PICTURE, filename: "team.png", type: "image/png" });
  const { organizations } = await phone.client.organizations();
  expect(organizations).toMatchObject([{ id: String(stage.organization), name: "Harbour" }]);
  const wanted = {
    ...({ id: "the-team", type: "group", name: "Team", description: "All of us" } as const),
    ...{ avatar: picture.id, members: [ben.id], organization: organizations[0]?.id ?? "" },
  };
  const { room } = await phone.client.roomCreate(wanted);
  rooms.team = room.room;
  expect(room).toMatchObject({ name: "Team", description: "All of us", role: "owner", members: 2 });
  expect(await laptop.client.roomCreate(wanted)).toMatchObject({
    ...{ duplicate: true, room: { room: room.room } },
  });
  const team = room.room;
  await bens.until("the room", () => bens.client.room(team).getSnapshot()?.name === "Team");
  await phone.client.send(team, "Before Cleo came");
  await phone.client.memberAdd({ room: team, users: [cleo.id] });
  await cleos.until("the room", () => cleos.client.room(team).getSnapshot()?.name === "Team");
  const { members } = await bens.client.members({ room: team });
  expect(members.map(({ user, role }) => [user.name, role])).toEqual([
    ["Ada L.", "owner"],
    ["Ben", "user"],
    ["Cleo", "user"],
  ]);
  expect((await bens.client.members({ room: team, query: "cle" })).members).toHaveLength(1);
}

/** Anybody who has a public room's token comes in with its password, and nobody without it. */
export async function publicRoom({ phone, bens, cleos, cleo, rooms }: Story): Promise<void> {
  const { room } = await phone.client.roomCreate({ id: "the-square", type: "public", name: "Square" });
  const square = room.room;
  rooms.square = square;
  await phone.client.roomSet({ room: square, password: "open sesame" });
  await expect(bens.client.roomJoin({ room: square })).rejects.toMatchObject({ code: "forbidden" });
  const lookedAt = { room: square, type: "public", hasPassword: true };
  expect(await bens.client.roomPreview({ room: square })).toEqual(lookedAt);
  const joined = await bens.client.roomJoin({ room: square, password: "open sesame" });
  expect(joined.room).toMatchObject({ name: "Square", role: "self_joined", hasPassword: true });
  const { link } = await phone.client.roomLink({ room: square, on: true, password: "by the link" });
  const behindTheLink = { name: "Square", type: "public", hasPassword: true };
  expect(await cleos.client.roomPreview({ link: link ?? "" })).toEqual(behindTheLink);
  await expect(cleos.client.roomJoin({ link: link ?? "" })).rejects.toMatchObject({ field: "password" });
  await cleos.client.roomJoin({ link: link ?? "", password: "by the link" });
  await phone.until("three", () => phone.client.room(square).getSnapshot()?.members === 3);
  await phone.client.memberRemove({ room: square, user: cleo.id });
  await cleos.until("the end", () => cleos.client.room(square).getSnapshot() === undefined);
  expect(await phone.client.roomLink({ room: square, on: false })).toEqual({ link: null });
  await expect(cleos.client.roomJoin({ link: link ?? "" })).rejects.toMatchObject({ code: "not_found" });
}

/** The list of rooms also comes in pages. */
export async function pages({ laptop }: Story): Promise<void> {
  const all = laptop.client.rooms.getSnapshot().map(({ room }) => room);
  const { rooms: first, more } = await laptop.client.ask<"rooms">({ op: "rooms", limit: 1 });
  expect(more).toBe(true);
  const { rooms: next } = await laptop.client.ask<"rooms">({ op: "rooms", after: first[0]?.room ?? "" });
  expect([...first, ...next].map(({ room }) => room).sort()).toEqual([...all].sort());
}

/** Roles: who may what follows them at once. */
export async function roles({ phone, bens, ben, rooms: { team = "" } }: Story): Promise<void> {
  const rename = () => bens.client.roomSet({ room: team, name: "Ben's team" });
  await expect(rename()).rejects.toMatchObject({ code: "forbidden" });
  await phone.client.memberRole({ room: team, user: ben.id, role: "moderator" });
  await bens.until("the role", () => bens.client.room(team).getSnapshot()?.role === "moderator");
  await rename();
  await phone.until("the name", () => phone.client.room(team).getSnapshot()?.name === "Ben's team");
  await phone.client.memberRole({ room: team, user: ben.id, role: "user" });
  await phone.client.roomSet({ room: team, name: "Team" });
}

/** What moderators set holds for everybody: who writes, the lobby, a locked room. */
export async function moderation({ phone, bens, rooms: { team = "" } }: Story): Promise<void> {
  const say = () => bens.client.send(team, "May I?");
  const discard = () => {
    for (const { id } of bens.client.outbox.getSnapshot()) bens.client.discard(id);
  };
  const ask = async (code: string) => {
    await expect(say()).rejects.toMatchObject({ code });
    discard();
  };
  await phone.client.roomSet({ room: team, posting: "moderators" });
  await ask("forbidden");
  await phone.client.roomSet({ room: team, posting: "all", readOnly: true });
  await ask("read_only");
  await phone.client.roomSet({ room: team, readOnly: false, lobby: true });
  await expect(bens.client.history(team)).rejects.toMatchObject({ code: "lobby" });
  await phone.client.send(team, "Said while Ben waited");
  await phone.client.roomSet({ room: team, lobby: false });
  await bens.until("what was said", () => {
    return bens.client.room(team).getSnapshot()?.last?.data.text === "Said while Ben waited";
  });
}
