/** From the chat to Matrix. */
import { expect } from "vitest";
import { until } from "../bridge/world.ts";
import { as, type Case, fresh, inMatrix, membersOf, messages, say, untilRedacted } from "./case.ts";

const SHAPES: [name: string, text: string][] = [
  ["a plain text", "hello"],
  ["several lines", "one\n\ntwo"],
  ["emoji and other planes", "😀 𝒳 é"],
  ["what looks like HTML", "<b>no</b> & co"],
  ["text from right to left", "שלום"],
  ["a long text", "long ".repeat(2_000)],
  ["a link", "see https://example.org/?a=1&b=2"],
  ["what looks like a quote", "> mine"],
];

const texts = SHAPES.map(
  ([name, shape]): Case => ({
    name: `to Matrix: ${name}`,
    run: async (site) => {
      const text = fresh(shape);
      await say(site, text);
      const { sender, content } = await inMatrix(site, text);
      expect(sender).toBe(site.world.ghosts.ofUser(site.here.ben.id));
      expect(content.msgtype).toBe("m.text");
    },
  }),
);

export const TO_MATRIX: Case[] = [
  ...texts,
  {
    name: "to Matrix: Markdown, as HTML",
    run: async (site) => {
      const text = fresh("**bold**");
      await say(site, text, { format: "markdown" });
      expect((await inMatrix(site, text)).content.formatted_body).toContain("<strong>bold</strong>");
    },
  },
  {
    name: "to Matrix: a mention",
    run: async (site) => {
      const text = fresh("look");
      await say(site, text, { mentions: [String(site.here.ada.id)] });
      const { content } = await inMatrix(site, text);
      expect(content["m.mentions"]).toEqual({ user_ids: [site.world.ghosts.ofUser(site.here.ada.id)] });
    },
  },
  {
    name: "to Matrix: an answer",
    run: async (site) => {
      const [first, second] = [fresh("question"), fresh("answer")];
      const replyTo = await say(site, first);
      await say(site, second, { replyTo });
      const relation = (await inMatrix(site, second)).content["m.relates_to"];
      expect(relation).toEqual({ "m.in_reply_to": { event_id: (await inMatrix(site, first)).event_id } });
    },
  },
  {
    name: "to Matrix: an answer in a thread",
    run: async (site) => {
      const [first, second] = [fresh("root"), fresh("in it")];
      const thread = await say(site, first);
      await say(site, second, { thread });
      const { event_id } = await inMatrix(site, first);
      expect((await inMatrix(site, second)).content["m.relates_to"]).toMatchObject({
        rel_type: "m.thread",
        event_id,
      });
    },
  },
  {
    name: "to Matrix: an edit",
    run: async (site) => {
      const [before, after] = [fresh("before"), fresh("after")];
      const seq = await say(site, before);
      await site.world.useCases.messages.edit(as(site.here.ben), site.here.room.token, seq, { text: after });
      const edit = await inMatrix(site, `* ${after}`);
      const { event_id } = await inMatrix(site, before);
      expect(edit.content["m.relates_to"]).toEqual({ rel_type: "m.replace", event_id });
    },
  },
  {
    name: "to Matrix: a deletion",
    run: async (site) => {
      const text = fresh("gone");
      const seq = await say(site, text);
      const { event_id } = await inMatrix(site, text);
      await site.world.useCases.messages.remove(as(site.here.ben), site.here.room.token, seq);
      await untilRedacted(site, event_id);
    },
  },
  {
    name: "to Matrix: a reaction, and its end",
    run: async (site) => {
      const text = fresh("liked");
      const seq = await say(site, text);
      const { event_id } = await inMatrix(site, text);
      const { client, matrixRoom, room, ben } = site.here;
      await site.world.useCases.reactions.add(as(ben), room.token, seq, "👍");
      const reaction = await until("the reaction is there", async () =>
        (await client.timeline(matrixRoom)).find(
          ({ type, content }) =>
            type === "m.reaction" &&
            (content["m.relates_to"] as { event_id?: string })?.event_id === event_id,
        ),
      );
      await site.world.useCases.reactions.remove(as(ben), room.token, seq, "👍");
      await untilRedacted(site, reaction.event_id);
    },
  },
  ...["notes.txt", "picture.png", "sound.ogg", "film.mp4"].map(
    (filename): Case => ({
      name: `to Matrix: the file ${filename}`,
      run: async (site) => {
        const bytes = fresh("bytes");
        const name = `${fresh("f")} ${filename}`;
        await site.world.sayFiles(site.here.ben, site.here.room, fresh("with a file"), { [name]: bytes });
        const { content } = await inMatrix(site, name);
        expect((await site.here.client.media(String(content.url))).text).toBe(bytes);
      },
    }),
  ),
  {
    name: "to Matrix: a place",
    run: async (site) => {
      const text = fresh("here");
      await say(site, text, { type: "location", data: { uri: "geo:52.5,13.4" } });
      expect((await inMatrix(site, text)).content).toMatchObject({
        msgtype: "m.location",
        geo_uri: "geo:52.5,13.4",
      });
    },
  },
  {
    name: "to Matrix: twenty messages, in order",
    run: async (site) => {
      const said = Array.from({ length: 20 }, () => fresh("in order"));
      for (const text of said) await say(site, text);
      await inMatrix(site, said.at(-1) ?? "");
      const bodies = (await site.here.client.timeline(site.here.matrixRoom)).map(
        ({ content }) => content.body,
      );
      expect(bodies.filter((body) => said.includes(body ?? ""))).toEqual(said);
    },
  },
  {
    name: "to Matrix: a member who comes, and one who is removed",
    run: async ({ world, here: { ada, client: _ } }) => {
      const { room, matrixRoom, client } = await world.meeting();
      const cas = await world.user("Cas");
      const [owner] = (await world.store.memberships.list([room.id])).filter(({ role }) => role === "owner");
      expect(owner?.userId).not.toBe(ada.id);
      const account = world.ghosts.ofUser(cas.id);
      const actor = { kind: "user" as const, id: String(owner?.userId), name: "Ada" };
      await world.useCases.roomLifecycle.addMembers(actor, room.token, [{ member: as(cas), role: "user" }]);
      await until("Cas is in", async () =>
        /join|invite/.test((await membersOf(client, matrixRoom)).get(account) ?? ""),
      );
      await world.useCases.roomLifecycle.removeMember(actor, room.token, as(cas));
      await until("Cas is out", async () => (await membersOf(client, matrixRoom)).get(account) === "leave");
    },
  },
  {
    name: "to Matrix: a new name, and who may write",
    run: async ({ world }) => {
      const { ada, room, matrixRoom, client } = await world.meeting();
      await world.useCases.roomLifecycle.rename(as(ada), room.token, "Renamed");
      await until(
        "it has the name",
        async () =>
          ((await client.state<{ name: string }>(matrixRoom, "m.room.name"))?.name ?? "") === "Renamed",
      );
      await world.useCases.roomLifecycle.setReadOnly(as(ada), room.token, true);
      await until(
        "nobody may write",
        async () =>
          ((await client.state<{ events_default: number }>(matrixRoom, "m.room.power_levels"))
            ?.events_default ?? 0) > 50,
      );
    },
  },
  {
    name: "to Matrix: a room of two, and a room that ends",
    run: async ({ world }) => {
      const [ada, ben] = [await world.user("Ada"), await world.user("Ben")];
      const two = await world.group([ada, ben], { type: "one_to_one", name: "" });
      expect(await world.bot.state(await world.mirrored(two), "m.room.name")).toBeNull();
      const { ada: owner, room, matrixRoom, client } = await world.meeting();
      await world.useCases.roomLifecycle.delete(as(owner), room.token);
      await until("she is out", async () => !(await client.rooms()).joined.includes(matrixRoom));
    },
  },
  {
    name: "to Matrix: nothing comes back as a message",
    run: async (site) => {
      const text = fresh("once");
      await say(site, text);
      await inMatrix(site, text);
      await site.world.mirrored(site.here.room);
      const told = (await messages(site.world, site.here)).filter(({ data }) => data.text === text);
      expect(told).toHaveLength(1);
    },
  },
];
