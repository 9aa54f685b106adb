/** Messages of all kinds, and what becomes of them. */
import { expect } from "vitest";
import { openBareMessenger } from "../messenger.ts";
import type { Story } from "../story.ts";

/** Texts, markdown, mentions, replies, kinds of an app's own. */
export async function writing({
  phone,
  laptop,
  bens,
  cleos,
  ben,
  rooms: { team = "" },
}: Story): Promise<void> {
  const room = phone.client.room(team);
  await bens.client.read(team, bens.client.room(team).getSnapshot()?.head ?? 0);
  const { seq } = await room.send("Lunch, Ben?", { mentions: [ben.id] });
  await bens.until("the mention", () => bens.client.room(team).getSnapshot()?.mention === 1);
  await bens.client.send(team, "**Yes**, at noon", { replyTo: seq, format: "markdown" });
  await laptop.client.send({ room: team, text: "Quietly said", silent: true });
  const poll = { question: "Where?", options: ["Here", "There"] };
  await cleos.client.send({ room: team, text: "Where? Here or there", type: "poll", data: poll });
  await cleos.client.send({ room: team, text: "A song", type: "x.music.song", data: { title: "La Mer" } });
  await phone.until("the song", () => room.getSnapshot()?.last?.data.text === "A song");
  const { events } = await laptop.client.history({ room: team, limit: 4 });
  expect(events.map(({ data }) => data)).toMatchObject([
    { format: "markdown", replyTo: seq, reply: { seq, text: "Lunch, Ben?" } },
    { silent: true },
    { kind: "poll", data: poll },
    { kind: "x.music.song", data: { title: "La Mer" } },
  ]);
}

/** A thread has its own answers, counts and marker. */
export async function thread({ phone, laptop, bens, rooms: { team = "" } }: Story): Promise<void> {
  const root = await phone.client.send(team, "What about the picnic?");
  const first = await bens.client.send(team, "I bring bread", { thread: root.seq });
  const second = await bens.client.send(team, "And cheese", { thread: first.seq });
  expect(second.thread).toBe(root.seq);
  const { events } = await laptop.client.history({ room: team, thread: root.seq });
  expect(events.map(({ data }) => (data as { text: string }).text)).toEqual(["I bring bread", "And cheese"]);
  await phone.client.read({ room: team, thread: root.seq, seq: second.seq });
  const { events: around } = await laptop.client.history({ room: team, around: root.seq, limit: 3 });
  expect(around.find(({ seq }) => seq === root.seq)?.data).toMatchObject({
    thread: { count: 2, lastSeq: second.seq, unread: 0 },
  });
}

/** A message goes on to another room, under the name of who wrote it first, and without its mentions. */
export async function sendingOn({ phone, bens, cleos, rooms }: Story): Promise<void> {
  const { team = "", direct = "" } = rooms;
  const { seq } = await cleos.client.send(team, "The key is under the mat", { mentions: [phone.person.id] });
  await phone.client.send({ room: direct, forward: { room: team, seq } });
  const last = () => bens.client.room(direct).getSnapshot()?.last;
  await bens.until("it", () => last()?.data.text === "The key is under the mat");
  expect(last()).toMatchObject({
    actor: { id: phone.person.id },
    data: { forwarded: { actor: { id: cleos.person.id } } },
  });
  expect(last()?.data).not.toHaveProperty("mentions");
}

/** What Ada hides for herself is hidden on all of her devices, and from nobody else. */
export async function hiding({ phone, laptop, bens, hidden, rooms: { team = "" } }: Story): Promise<void> {
  const { seq } = await bens.client.send(team, "Not for Ada");
  const { messages } = phone.client.room(team);
  const isShown = () => messages.getSnapshot().some((item) => item.seq === seq);
  await messages.load();
  await phone.until("it", isShown);
  await laptop.client.delete({ room: team, seq, forMe: true });
  await expect.poll(isShown).toBe(false);
  hidden.add(seq);
}

/** Edits, also of who is mentioned; deletions by the author and by a moderator. */
export async function changing({ phone, bens, cleo, cleos, rooms: { team = "" } }: Story): Promise<void> {
  const { seq } = await bens.client.send(team, "At one o'clock");
  await bens.client.edit({ room: team, seq, text: "At two o'clock, Cleo", mentions: [cleo.id] });
  await cleos.until("the mention", () => cleos.client.room(team).getSnapshot()?.mention === 1);
  await expect(phone.client.edit({ room: team, seq, text: "At three" })).rejects.toMatchObject({
    code: "forbidden",
  });
  const [failed] = phone.client.outbox.getSnapshot();
  phone.client.discard(failed?.id ?? "");
  const own = await bens.client.send(team, "Not what I meant");
  await bens.client.delete({ room: team, seq: own.seq });
  const rude = await bens.client.send(team, "Something rude");
  await phone.client.delete({ room: team, seq: rude.seq });
  expect(await phone.client.delete({ room: team, seq: rude.seq })).toMatchObject({ duplicate: true });
}

/** Reactions of several people, one of them taken back; a pinned message. */
export async function reacting({ phone, laptop, bens, cleos, rooms: { team = "" } }: Story): Promise<void> {
  const { seq } = await phone.client.send(team, "We did it!");
  await bens.client.react({ room: team, seq, name: "🎉" });
  await cleos.client.react({ room: team, seq, name: "🎉" });
  await laptop.client.react({ room: team, seq, name: "👍" });
  await cleos.client.unreact({ room: team, seq, name: "🎉" });
  await phone.client.pin({ room: team, seq });
  await bens.until("the pin", () => bens.client.room(team).getSnapshot()?.pinned?.[0] === seq);
  const other = await phone.client.send(team, "Pinned instead");
  await laptop.client.pin({ room: team, seq: other.seq });
  await phone.client.unpin({ room: team, seq: other.seq });
}

/** What is sent under a timer is gone after it, for everybody. */
export async function expiring({ phone, bens, rooms: { team = "" } }: Story): Promise<void> {
  await phone.client.roomSet({ room: team, messageTimer: 1_000 });
  const { seq } = await bens.client.send(team, "For your eyes only");
  await phone.until("its end", () => {
    const { last } = phone.client.room(team).getSnapshot() ?? {};
    return last?.seq === seq && last.data.deleted === true;
  });
  await phone.client.roomSet({ room: team, messageTimer: null });
}

/** Words are found where they stand now, by everybody who may read them. */
export async function searching({ stage, phone, bens, rooms: { team = "" } }: Story): Promise<void> {
  const found = async (text: string, more: object = {}) => {
    const { hits } = await bens.client.search({ text, ...more });
    return hits.map(({ event }) => event.data.text);
  };
  expect(await found("picnic", { room: team })).toEqual(["What about the picnic?"]);
  expect(await found("o'clock")).toEqual(["At two o'clock, Cleo"]);
  expect(await found("rude")).toEqual([]);
  expect(await found("eyes")).toEqual([]);
  expect(await found("", { from: phone.person.id, room: team, limit: 1 })).toEqual(["A film"]);
  const stranger = await openBareMessenger(stage, await stage.newPerson("Eve"), { device: "Eve's phone" });
  expect(await stranger.client.search({ text: "picnic" })).toEqual({ hits: [] });
  await expect(stranger.client.search({ text: "picnic", room: team })).rejects.toMatchObject({
    code: "not_found",
  });
  await stranger.close();
}
