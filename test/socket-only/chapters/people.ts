/** One's profile and picture, finding people, and blocking. */
import { expect } from "vitest";
import { uploadFile } from "../../../src/client/commands/uploads.ts";
import { openBareMessenger } from "../messenger.ts";
import type { Story } from "../story.ts";
import { PICTURE } from "./pictures.ts";

/** All of Ada's devices have her new profile, also the one that changed nothing. */
export async function profile({ phone, laptop }: Story): Promise<void> {
  const picture = await uploadFile(phone.client, { file: PICTURE, filename: "ada.png", type: "image/png" });
  const { user } = await phone.client.profile({
    ...{ name: "Ada L.", status: "at the engine", avatar: picture.id },
    privacy: { lastSeen: "contacts" },
  });
  expect(user).toMatchObject({ name: "Ada L.", status: "at the engine" });
  expect(user.privacy).toEqual({ lastSeen: "contacts", receipts: "everybody" });
  await laptop.until("the profile on the laptop", () => laptop.client.user?.name === "Ada L.");
  expect(laptop.client.user).toEqual(phone.client.user);
  expect(phone.client.user).toEqual(user);
  const bytes = await fetch(user.avatar ?? "");
  expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(PICTURE);
}

/** Ben finds Ada by her name and by each of her ids; who is of no organization of his is nobody to him. */
export async function finding({ stage, phone, bens }: Story): Promise<void> {
  const stranger = await stage.newPerson("Dora", {});
  const { users } = await bens.client.users({ query: "ada" });
  expect(users).toMatchObject([{ name: "Ada L.", handle: "ada", status: "at the engine" }]);
  const { id = "", uuid = "", publicId = "", handle = "" } = phone.client.user ?? {};
  for (const one of [id, uuid, publicId, handle]) {
    expect((await bens.client.users({ ids: [one] })).users, one).toMatchObject([{ id, name: "Ada L." }]);
  }
  expect(await bens.client.users({ query: stranger.name })).toEqual({ users: [] });
}

/** While Ada blocks Ben nothing is said between the two, and all of her devices know it. */
export async function blocking({ phone, laptop, bens, ada, ben, rooms }: Story): Promise<void> {
  const { room } = await phone.client.roomDirect({ user: ben.id });
  rooms.direct = room.room;
  expect(room).toMatchObject({ type: "one_to_one", name: "Ben", peer: { id: ben.id } });
  await phone.client.send(room.room, "Hello, Ben");
  const bensEntry = () => bens.client.room(room.room).getSnapshot();
  // The message may come before the room's entry.
  await bens.until("the room", () => bensEntry()?.peer !== undefined && bensEntry()?.unread === 1);
  expect(bensEntry()).toMatchObject({ name: "Ada L.", peer: { id: ada.id } });
  await phone.client.block({ user: ben.id });
  await laptop.until("the block", () => laptop.heard.some(([name]) => name === "block"));
  expect((await laptop.client.blocked()).users).toMatchObject([{ id: ben.id }]);
  await expect(bens.client.send(room.room, "Are you there?")).rejects.toMatchObject({ code: "forbidden" });
  const [failed] = bens.client.outbox.getSnapshot();
  bens.client.discard(failed?.id ?? "");
  await phone.client.unblock({ user: ben.id });
  expect((await laptop.client.blocked()).users).toEqual([]);
  await bens.client.send(room.room, "Hello, Ada");
}

/** Ada keeps Ben in her contact book under a name of hers, on all of her devices; Ben hears nothing of it. */
export async function contactBook({ phone, laptop, bens, ben }: Story): Promise<void> {
  await phone.client.contactSet({ user: ben.id, name: "Benny" });
  await laptop.until("the contact", () => laptop.heard.some(([name]) => name === "contact"));
  const { contacts } = await laptop.client.contacts();
  expect(contacts).toMatchObject([{ user: { id: ben.id, name: "Ben" }, name: "Benny" }]);
  expect(await laptop.client.contactRemove({ user: ben.id })).toEqual({});
  await phone.until("the end of it", () =>
    phone.heard.some(([name, what]) => name === "contact" && !what.on),
  );
  expect((await phone.client.contacts()).contacts).toEqual([]);
  expect(bens.heard.filter(([name]) => name === "contact")).toEqual([]);
}

/** Emil, of no organization of hers, gives Ada his id. She asks him, all of her devices hear his answer, and they write to each other. */
export async function connecting({ stage, phone, laptop }: Story): Promise<void> {
  const emil = await openBareMessenger(stage, await stage.newPerson("Emil", {}), { device: "Emil's phone" });
  const { id = "", uuid = "" } = emil.client.user ?? {};
  const asked = await phone.client.connectionAsk({ user: uuid, message: "We met at the fair" });
  expect(asked.connection).toMatchObject({ status: "sent", user: { id, uuid } });
  await emil.until("the request", () => emil.heard.some(([name]) => name === "connection"));
  const [request] = (await emil.client.connections()).connections;
  expect(request).toMatchObject({
    status: "pending",
    message: "We met at the fair",
    user: { name: "Ada L." },
  });
  const answer = { user: request?.user.id ?? "", status: "accepted" } as const;
  const { connection } = await emil.client.connectionSet(answer);
  await laptop.until("the answer", () =>
    laptop.heard.some(([name, what]) => name === "connection" && what.status === "accepted"),
  );
  const { room = "" } = connection;
  await emil.client.send(room, "So we did");
  await phone.until(
    "his message",
    () => phone.client.room(room).getSnapshot()?.last?.data.text === "So we did",
  );
  await emil.client.roomDelete({ room, forBoth: true });
  for (const app of [phone, laptop]) {
    await app.until("the end of the room", () => app.client.room(room).getSnapshot() === undefined);
  }
  emil.client.disconnect();
}
