/** What is only there while somebody looks: who is here, who types, who has read, who is in a call. */
import { expect } from "vitest";
import type { Story } from "../story.ts";

/** An open room tells who looks at it and who types, until they do no more. */
export async function beingThere({ phone, bens, ben, rooms: { team = "" } }: Story): Promise<void> {
  const { presence, typing } = phone.client.room(team);
  const ids = (actors: readonly { id: string }[]) => actors.map(({ id }) => id);
  await phone.client.open(team);
  await bens.client.open(team);
  await phone.until("Ben", () => ids(presence.getSnapshot()).includes(ben.id));
  bens.client.typing(team, true);
  await phone.until("Ben's typing", () => ids(typing.getSnapshot()).includes(ben.id));
  bens.client.typing(team, false);
  await phone.until("its end", () => typing.getSnapshot().length === 0);
  await bens.client.close(team);
  await phone.until("Ben's going", () => !ids(presence.getSnapshot()).includes(ben.id));
  const { members } = await phone.client.members({ room: team });
  expect(members.filter(({ present }) => present).map(({ user }) => user.id)).toEqual([phone.person.id]);
  await phone.client.ping({ rooms: [team] });
}

/** Who reads tells it, unless they tell nobody. */
export async function receipts(story: Story): Promise<void> {
  const { phone, laptop, bens, cleos, ben, cleo, rooms } = story;
  const { team = "" } = rooms;
  await cleos.client.profile({ privacy: { receipts: "nobody" } });
  const { seq } = await laptop.client.send(team, "Read this, please");
  await phone.until("the message", () => (phone.client.room(team).getSnapshot()?.head ?? 0) >= seq);
  for (const each of [bens, cleos]) {
    await each.until("the message", () => (each.client.room(team).getSnapshot()?.head ?? 0) >= seq);
    await each.client.read(team, seq);
  }
  await cleos.client.delivered({ rooms: { [team]: seq } });
  await phone.until("Ben's receipt", () =>
    phone.heard.some(
      ([name, what]) =>
        name === "receipt" && what.actor.id === ben.id && what.read >= seq && what.room === team,
    ),
  );
  const told = await phone.client.receipts({ room: team, seq });
  expect(told.read?.map(({ actor }) => actor.id)).toEqual([ben.id]);
  expect(told.counts).toMatchObject({ read: 1 });
  expect(told.delivered?.map(({ actor }) => actor.id)).not.toContain(cleo.id);
}

/** What one device has read the other has; what is marked as unread is unread on both. */
export async function reading({ phone, laptop, bens, rooms: { team = "" } }: Story): Promise<void> {
  const { seq } = await bens.client.send(team, "One more");
  const entry = () => laptop.client.room(team).getSnapshot();
  await laptop.until("it", () => entry()?.unread === 1);
  await phone.until("it", () => phone.client.room(team).getSnapshot()?.unread === 1);
  await phone.client.read(team, seq);
  await laptop.until("the marker", () => entry()?.unread === 0);
  await laptop.client.read({ room: team, unread: true });
  await phone.until("the mark", () => phone.client.room(team).getSnapshot()?.settings?.unreadMark === true);
  await phone.client.read(team, seq);
  await laptop.until("the end of the mark", () => entry()?.settings?.unreadMark === undefined);
}

/** A call: who comes, what they have on, and its end. */
export async function calling(story: Story): Promise<void> {
  const { phone, bens, ben, rooms } = story;
  const { team = "" } = rooms;
  await phone.client.callJoin({ room: team, flags: 3 });
  await bens.until("the call", () => bens.client.room(team).getSnapshot()?.call === 3);
  await bens.client.callJoin({ room: team, flags: 1 });
  await bens.client.callFlags({ room: team, flags: 7 });
  await phone.until("Ben's camera", () =>
    phone.heard.some(
      ([name, what]) =>
        name === "call" && what.participants.some(({ actor, flags }) => actor.id === ben.id && flags === 7),
    ),
  );
  await connecting(story);
  await bens.client.callLeave({ room: team });
  await phone.client.callLeave({ room: team });
  await bens.until("the end", () => bens.client.room(team).getSnapshot()?.call === 0);
}

/** The devices in the call find each other, as for WebRTC: an offer, an answer, and the servers that help. */
async function connecting({ phone, bens, ben, rooms: { team = "" } }: Story): Promise<void> {
  const { servers } = await phone.client.callServers();
  expect(servers).toEqual([]);
  const calls = phone.heard.flatMap(([name, what]) => (name === "call" ? [what] : []));
  const to = calls.at(-1)?.participants.find(({ actor }) => actor.id === ben.id)?.session ?? "";
  await phone.client.callSignal({ room: team, to, data: { type: "offer", sdp: "v=0" } });
  const saidTo = ({ heard }: Story["bens"] | Story["phone"]) =>
    heard.flatMap(([name, what]) => (name === "signal" ? [what] : []));
  await bens.until("the offer", () => saidTo(bens).length > 0);
  const [offer] = saidTo(bens);
  expect(offer).toMatchObject({ room: team, actor: { id: phone.person.id }, data: { type: "offer" } });
  await bens.client.callSignal({ room: team, to: offer?.from ?? "", data: { type: "answer", sdp: "v=0" } });
  await phone.until("the answer", () => saidTo(phone).length > 0);
  expect(saidTo(phone)).toMatchObject([{ from: to, data: { type: "answer" } }]);
}

/** One's own settings of a room are those of all of one's devices, and of nobody else. */
export async function settings({ phone, laptop, bens, rooms: { team = "" } }: Story): Promise<void> {
  const until = Date.now() + 3_600_000;
  const theirs = bens.client.room(team).getSnapshot()?.settings;
  await phone.client.settings({
    room: team,
    mutedUntil: until,
    favorite: true,
    notify: "none",
    pinned: true,
  });
  await laptop.client.settings({ room: team, archived: true });
  const wanted = {
    muted: true,
    mutedUntil: until,
    favorite: true,
    notify: "none",
    pinned: true,
    archived: true,
  };
  for (const each of [phone, laptop]) {
    await each.until("the settings", () => each.client.room(team).getSnapshot()?.settings?.archived === true);
    expect(each.client.room(team).getSnapshot()?.settings).toEqual(wanted);
  }
  expect(bens.client.room(team).getSnapshot()?.settings).toEqual(theirs);
  await laptop.client.settings({ room: team, muted: false, archived: false });
}
