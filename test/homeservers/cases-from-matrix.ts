/** From Matrix to the chat. */
import { expect } from "vitest";
import { until } from "../bridge/world.ts";
import { type Case, fresh, inChat, inMatrix, messages, type Site, say, untilRedacted } from "./case.ts";

const SHAPES: [name: string, text: string][] = [
  ["a plain text", "hello"],
  ["several lines", "one\n\ntwo"],
  ["emoji and other planes", "😀 𝒳 é"],
  ["a long text", "long ".repeat(2_000)],
  ["what looks like a quote", "> mine"],
];

const write = ({ here }: Site, content: string | object) => here.client.say(here.matrixRoom, content);

const texts = SHAPES.map(
  ([name, shape]): Case => ({
    name: `from Matrix: ${name}`,
    run: async (site) => {
      const text = fresh(shape);
      await write(site, text);
      expect((await inChat(site, text)).actor.id).toBe(String(site.here.ada.id));
    },
  }),
);

/** Contents, with what the chat makes of them. */
const KINDS: [name: string, content: (body: string) => object, text: (body: string) => string][] = [
  ["an emote", (body) => ({ msgtype: "m.emote", body }), (body) => `* Ada ${body}`],
  ["a notice", (body) => ({ msgtype: "m.notice", body }), (body) => body],
  [
    "HTML, as Markdown",
    (body) => ({
      ...{ msgtype: "m.text", body, format: "org.matrix.custom.html" },
      formatted_body: `<strong>${body}</strong>`,
    }),
    (body) => `**${body}**`,
  ],
  ["a place", (body) => ({ msgtype: "m.location", body, geo_uri: "geo:1,2" }), (body) => `${body} (geo:1,2)`],
  ["a kind that nobody knows", (body) => ({ msgtype: "org.example.kind", body }), (body) => body],
];

const kinds = KINDS.map(
  ([name, content, text]): Case => ({
    name: `from Matrix: ${name}`,
    run: async (site) => {
      const body = fresh("kind");
      await write(site, content(body));
      await inChat(site, text(body));
    },
  }),
);

const files = ["m.file", "m.image", "m.audio", "m.video"].map(
  (msgtype): Case => ({
    name: `from Matrix: a file as ${msgtype}`,
    run: async (site) => {
      const [body, bytes] = [fresh("caption"), fresh("bytes")];
      const url = await site.here.client.upload(new Blob([bytes], { type: "text/plain" }), "a.txt");
      await write(site, { msgtype, body, filename: "a.txt", url, info: { size: bytes.length } });
      const message = await until("the file is there", async () =>
        (await messages(site.world, site.here)).find(({ data }) => data.text === body && data.attachments),
      );
      expect(message.data.attachments).toMatchObject([{ filename: "a.txt", size: bytes.length }]);
    },
  }),
);

const send = async ({ here: { client, matrixRoom } }: Site, type: string, content: object) => {
  const path = `rooms/${encodeURIComponent(matrixRoom)}/send/${type}/${fresh("txn").replace(" ", "")}`;
  return (await client.ask<{ event_id: string }>("PUT", path, content)).event_id;
};

export const FROM_MATRIX: Case[] = [
  ...texts,
  ...kinds,
  ...files,
  {
    name: "from Matrix: a mention",
    run: async (site) => {
      const body = fresh("look");
      const mentions = { user_ids: [site.world.ghosts.ofUser(site.here.ben.id)] };
      await write(site, { msgtype: "m.text", body, "m.mentions": mentions });
      expect((await inChat(site, body)).data.mentions).toEqual([String(site.here.ben.id)]);
    },
  },
  {
    name: "from Matrix: an answer",
    run: async (site) => {
      const [question, answer] = [fresh("question"), fresh("answer")];
      const seq = await say(site, question);
      const { event_id } = await inMatrix(site, question);
      await write(site, {
        msgtype: "m.text",
        body: answer,
        "m.relates_to": { "m.in_reply_to": { event_id } },
      });
      expect((await inChat(site, answer)).data.replyTo).toBe(seq);
    },
  },
  {
    name: "from Matrix: an answer in a thread",
    run: async (site) => {
      const [root, answer] = [fresh("root"), fresh("in it")];
      const seq = await say(site, root);
      const { event_id } = await inMatrix(site, root);
      await write(site, {
        msgtype: "m.text",
        body: answer,
        "m.relates_to": { rel_type: "m.thread", event_id },
      });
      expect((await inChat(site, answer)).data.thread).toBe(seq);
    },
  },
  {
    name: "from Matrix: an edit",
    run: async (site) => {
      const [before, body] = [fresh("before"), fresh("after")];
      const event_id = await write(site, before);
      await inChat(site, before);
      await write(site, {
        ...{ msgtype: "m.text", body: `* ${body}`, "m.new_content": { msgtype: "m.text", body } },
        "m.relates_to": { rel_type: "m.replace", event_id },
      });
      await inChat(site, body);
    },
  },
  {
    name: "from Matrix: a redaction",
    run: async (site) => {
      const text = fresh("gone");
      const id = await write(site, text);
      const { seq } = await inChat(site, text);
      await site.here.client.redact(site.here.matrixRoom, id);
      await until(
        "it is deleted",
        async () => (await messages(site.world, site.here)).find((one) => one.seq === seq)?.data.deleted,
      );
    },
  },
  ...["👍", "❤️", "fine"].map(
    (key): Case => ({
      name: `from Matrix: the reaction ${key}, and its end`,
      run: async (site) => {
        const seq = await say(site, fresh("liked"));
        await site.world.mirrored(site.here.room);
        const text = (await messages(site.world, site.here)).find((one) => one.seq === seq)?.data.text;
        const { event_id } = await inMatrix(site, String(text));
        const added = async () =>
          (await site.world.events(site.here.room)).filter(
            ({ type, dataJson }) => /^reaction/.test(type) && JSON.parse(dataJson).seq === seq,
          );
        const reaction = await site.here.client.react(site.here.matrixRoom, event_id, key);
        await until("it is in the chat", async () => (await added()).length === 1);
        await site.here.client.redact(site.here.matrixRoom, reaction);
        await until("it is gone", async () => (await added()).at(-1)?.type === "reaction.removed");
      },
    }),
  ),
  {
    name: "from Matrix: a sticker",
    run: async (site) => {
      const body = fresh("sticker");
      const url = await site.here.client.upload(new Blob(["x"], { type: "image/png" }), "s.png");
      await send(site, "m.sticker", { body, url, info: {} });
      await until("it is there", async () =>
        (await messages(site.world, site.here)).some(({ data }) => data.text === body && data.attachments),
      );
    },
  },
  {
    name: "from Matrix: a poll",
    run: async (site) => {
      const question = fresh("lunch?");
      const answers = ["Pizza", "Soup"].map((text, n) => ({ "m.id": `${n}`, "m.text": [{ body: text }] }));
      await send(site, "m.poll.start", {
        "m.poll": { question: { "m.text": [{ body: question }] }, answers },
      });
      await inChat(site, `📊 ${question} · Pizza · Soup`);
    },
  },
  ...(
    [
      [
        "an encrypted message",
        "m.room.encrypted",
        "🔒",
        { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "x" },
      ],
      ["a call", "m.call.invite", "📞", { call_id: "1", version: "1", lifetime: 1, offer: {} }],
    ] as const
  ).map(
    ([name, type, sign, content]): Case => ({
      name: `from Matrix: ${name}, as a line`,
      run: async (site) => {
        await send(site, type, content);
        await until("the line is there", async () =>
          (await messages(site.world, site.here)).some(({ data }) => String(data.text).startsWith(sign)),
        );
      },
    }),
  ),
  {
    name: "from Matrix: the same transaction twice, once",
    run: async (site) => {
      const [text, last] = [fresh("once"), fresh("last")];
      for (let n = 0; n < 2; n++)
        await site.here.client.say(site.here.matrixRoom, text, `txn-${text.replace(" ", "")}`);
      await write(site, last);
      await inChat(site, last);
      expect((await messages(site.world, site.here)).filter(({ data }) => data.text === text)).toHaveLength(
        1,
      );
    },
  },
  {
    name: "from Matrix: ten messages, in order",
    run: async (site) => {
      const said = Array.from({ length: 10 }, () => fresh("in order"));
      for (const text of said) await write(site, text);
      await inChat(site, said.at(-1) ?? "");
      const got = (await messages(site.world, site.here)).map(({ data }) => String(data.text));
      expect(got.filter((text) => said.includes(text))).toEqual(said);
    },
  },
  {
    name: "from Matrix: what the chat refuses is redacted",
    run: async (site) => {
      const { world } = site;
      const here = await world.meeting();
      await world.store.sql`update conversations set read_only = true where id = ${here.room.id}`;
      await world.store.sql`
        update room_heads set access_version = access_version + 1 where conversation_id = ${here.room.id}`;
      const id = await here.client.say(here.matrixRoom, "not now");
      await untilRedacted({ ...site, here }, id);
    },
  },
];
