/** The end: leaving, another password, ended sessions, and a deleted account. */
import { expect } from "vitest";
import { Refused } from "../../../src/client/failures.ts";
import { openBareMessenger, openMessenger } from "../messenger.ts";
import type { Story } from "../story.ts";

const UNAUTHORIZED = 4501;
const NEW_PASSWORD = "another password of ada";

/** A room that one leaves goes from all of one's devices, and one that is deleted from everybody's. */
export async function leaving(story: Story): Promise<void> {
  const { phone, laptop, bens, cleos, ben, cleo } = story;
  const { square = "" } = story.rooms;
  await phone.client.memberRole({ room: square, user: ben.id, role: "moderator" });
  await phone.client.roomLeave({ room: square });
  await laptop.until("the end", () => laptop.client.room(square).getSnapshot() === undefined);
  await bens.until("alone", () => bens.client.room(square).getSnapshot()?.members === 1);
  await bens.client.roomDelete({ room: square });
  await bens.until("the end", () => bens.client.room(square).getSnapshot() === undefined);
  const { room } = (await phone.client.roomDirect({ user: cleo.id })).room;
  await cleos.until("the room of two", () => cleos.client.room(room).getSnapshot() !== undefined);
  await cleos.client.roomDelete({ room, forBoth: true });
  for (const app of [cleos, phone, laptop]) {
    await app.until("the end of it", () => app.client.room(room).getSnapshot() === undefined);
  }
}

/** A device that is lost is signed out from another one. */
export async function endingSessions(story: Story): Promise<void> {
  const { stage, ada, phone, laptop } = story;
  const lost = await openBareMessenger(stage, ada, { device: "a lost phone" });
  const lostOne = async () => {
    const { sessions } = await phone.client.sessions();
    return sessions.find(({ device }) => device === "a lost phone")?.id;
  };
  await expect.poll(lostOne).toBeDefined();
  await phone.client.sessionEnd({ session: (await lostOne()) ?? "" });
  expect(await lost.ended()).toBe(UNAUTHORIZED);
  expect(laptop.client.state.name).toBe("online");
}

/** A new password ends all other devices; the one that said it goes on, and the next sign-in needs the new one. */
export async function newPassword(story: Story): Promise<void> {
  const { stage, ada, phone, laptop } = story;
  const wrong = phone.client.password({ old: "a guess", new: NEW_PASSWORD });
  await expect(wrong).rejects.toMatchObject({ code: "forbidden", field: "old" });
  await phone.client.password({ old: ada.password, new: NEW_PASSWORD });
  expect(await laptop.ended()).toBe(UNAUTHORIZED);
  await expect(openBareMessenger(stage, ada, { device: "old" })).rejects.toBeInstanceOf(Refused);
  ada.password = NEW_PASSWORD;
  story.laptop = await openBareMessenger(stage, ada, { device: "Ada's laptop" });
  expect(phone.client.state.name).toBe("online");
}

/** Signing out ends the device's session, and no other. */
export async function signingOut(story: Story): Promise<void> {
  const { stage, ben, bens } = story;
  await bens.login.signOut();
  expect(await bens.ended()).toBe(UNAUTHORIZED);
  await bens.close();
  story.bens = await openMessenger(stage, ben, { device: "Ben's next phone" });
}

/** Of a deleted account with its words nothing is left but what others said. */
export async function deletingTheAccount(story: Story): Promise<void> {
  const { stage, ada, phone, laptop, bens, cleos, rooms } = story;
  const { team = "", direct = "" } = rooms;
  await phone.client.memberRole({ room: team, user: bens.person.id, role: "owner" });
  const wrong = phone.client.accountDelete({ password: "a guess", erase: true });
  await expect(wrong).rejects.toMatchObject({ code: "forbidden", field: "password" });
  expect(await phone.client.accountDelete({ password: ada.password, erase: true })).toEqual({ erased: true });
  expect(await phone.ended()).toBe(UNAUTHORIZED);
  expect(await laptop.ended()).toBe(UNAUTHORIZED);
  await expect(openBareMessenger(stage, ada, { device: "again" })).rejects.toBeInstanceOf(Refused);
  for (const { client, until } of [bens, cleos]) {
    await until("Ada's going", () => client.room(team).getSnapshot()?.members === 2);
    await until("the erasure", () => !wordsOf(client.room(team).messages.getSnapshot(), ada.id));
  }
  await bens.until("the end of the two", () => bens.client.room(direct).getSnapshot()?.peer === undefined);
  expect((await bens.client.users({ query: "ada" })).users).toEqual([]);
}

function wordsOf(
  items: readonly { type: string; actor: { id: string }; data: object }[],
  id: string,
): boolean {
  return items.some(({ type, actor, data }) => type === "message" && actor.id === id && !("deleted" in data));
}
