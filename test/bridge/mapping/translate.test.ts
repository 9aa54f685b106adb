import { describe, expect, test } from "vitest";
import { openFile } from "../../../bridge/mapping/files.ts";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";
import type { MatrixEvent } from "../../../bridge/mapping/matrix-events.ts";
import { relationOf } from "../../../bridge/mapping/matrix-events.ts";
import {
  captioned,
  chatMentions,
  chatText,
  replacement,
  textContent,
} from "../../../bridge/mapping/translate.ts";

const ghosts = createGhosts({ prefix: "cw_", serverName: "hs.test", senderLocalpart: "cw_sender" });
const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const says = (content: Record<string, unknown>, type: MatrixEvent["type"] = "m.room.message") =>
  chatText({ type, content }, "Mel")?.text ?? null;

describe("texts on their way to Matrix", () => {
  test("a new caption keeps the file and its kind; a sticker's is one of a picture, since edits need a kind", () => {
    const caption = textContent("new", [], ghosts, { op: "edit", rev: 0 });
    const file = { url: "mxc://hs.test/a", info: {} };
    const changed = { ...file, body: "new", "m.mentions": {} };
    const sound = { ...file, msgtype: "m.audio", body: "old", filename: "a.ogg" };
    expect(captioned(sound, caption)).toEqual({ ...changed, msgtype: "m.audio", filename: "a.ogg" });
    expect(captioned({ ...file, body: "old" }, caption)).toEqual({
      ...{ ...changed, msgtype: "m.image", filename: "old" },
    });
  });

  test("mentions of users, of people from Matrix and of all are named as Matrix names them", () => {
    const content = textContent("hi", ["42", "@mel:x.org", "all", "guest-id"], ghosts, {
      op: "message",
      rev: 0,
    });
    expect(content).toEqual({
      msgtype: "m.text",
      body: "hi",
      "m.mentions": { user_ids: ["@cw_42:hs.test", "@mel:x.org"], room: true },
    });
    expect(textContent("hi", [], ghosts, { op: "message", rev: 0 })["m.mentions"]).toEqual({});
  });

  test.each(["😀".repeat(16_000), "\u0001".repeat(16_000), '"'.repeat(16_000), "é".repeat(16_000)])(
    "the longest texts keep to Matrix' limit, also as edits",
    (text) => {
      expect(bytes(textContent(text, [], ghosts, { op: "message", rev: 0 }))).toBeLessThan(60_000);
      const edit = replacement(textContent(text, [], ghosts, { op: "edit", rev: 0 }), "$event", {});
      expect(bytes(edit)).toBeLessThan(60_000);
    },
  );

  test("what is cut says so, and stays well-formed; what fits is not touched", () => {
    const emojis = "😀".repeat(16_000);
    const { body } = textContent(emojis, [], ghosts, { op: "message", rev: 0 });
    expect(body).not.toMatch(/\p{Surrogate}/u);
    expect(body).toMatch(/^(😀)+… \[shortened/u);
    const shorter = textContent(emojis, [], ghosts, { op: "message", rev: 1 });
    expect(bytes(shorter)).toBeLessThan(bytes(body) / 3);
    const plain = "a".repeat(16_000);
    expect(textContent(plain, [], ghosts, { op: "message", rev: 0 }).body).toBe(plain);
  });
});

describe("messages from Matrix as texts", () => {
  test("each kind of message says what it can", () => {
    expect(says({ msgtype: "m.text", body: "hello" })).toBe("hello");
    expect(says({ msgtype: "m.emote", body: "waves" })).toBe("* Mel waves");
    expect(says({ msgtype: "m.image", body: "cat.png", url: "mxc://x/1" })).toBe("cat.png (mxc://x/1)");
    expect(says({ msgtype: "m.file", body: "look", filename: "a.pdf", url: "mxc://x/2" })).toBe(
      "look\na.pdf (mxc://x/2)",
    );
    expect(says({ body: "thumbs up", url: "mxc://x/3" }, "m.sticker")).toBe("thumbs up (mxc://x/3)");
    expect(says({ msgtype: "m.location", body: "here", geo_uri: "geo:1,2" })).toBe("here (geo:1,2)");
    expect(says({ msgtype: "org.example.odd", body: "odd" })).toBe("odd");
  });

  test("messages without a text say nothing", () => {
    expect(says({ msgtype: "m.text", body: "  \n" })).toBeNull();
    expect(says({ msgtype: "m.text", body: 7 })).toBeNull();
    expect(says({})).toBeNull();
  });

  test("the quote at the start of an old-style answer is left out, and of nothing else", () => {
    expect(
      says({
        msgtype: "m.text",
        body: "> mine\n\nyes",
        "m.relates_to": { "m.in_reply_to": { event_id: "$1" } },
      }),
    ).toBe("> mine\n\nyes");
    const relation = { "m.relates_to": { "m.in_reply_to": { event_id: "$1" } } };
    const body = "> <@a:x> hello\n> there\n\nyes\n> kept";
    expect(says({ msgtype: "m.text", body, ...relation })).toBe("yes\n> kept");
    expect(says({ msgtype: "m.text", body })).toBe(body);
    expect(says({ msgtype: "m.text", body: "plain", ...relation })).toBe("plain");
    expect(says({ msgtype: "m.text", body: "> all quote", ...relation })).toBe("> all quote");
  });

  test("what the chat does not take is made fit: NUL, halves of characters, too long texts", () => {
    expect(says({ msgtype: "m.text", body: "a\0b\ud800c" })).toBe("ab\ufffdc");
    const long = says({ msgtype: "m.text", body: "😀".repeat(20_000) });
    expect([...(long ?? "")].length).toBeGreaterThan(15_900);
    expect([...(long ?? "")].length).toBeLessThanOrEqual(16_000);
    expect(long?.endsWith("… [shortened: the whole text is in Matrix]")).toBe(true);
  });

  test("mentions are told by the chat's ids", () => {
    const content = {
      "m.mentions": { user_ids: ["@cw_42:hs.test", "@mel:x.org", "@cw_bot:hs.test"], room: true },
    };
    expect(chatMentions(content, ghosts)).toEqual(["all", "42", "@mel:x.org"]);
    expect(chatMentions({ "m.mentions": { user_ids: "all of you" } }, ghosts)).toEqual([]);
    expect(
      chatMentions({ "m.mentions": { user_ids: Array.from({ length: 200 }, (_, n) => `@${n}:x`) } }, ghosts),
    ).toHaveLength(100);
  });

  test("files have a name that the chat takes; encrypted ones are none", () => {
    const file = (more: object, type: MatrixEvent["type"] = "m.room.message") =>
      openFile({ type, content: { msgtype: "m.file", url: "mxc://x/1", ...more } });
    expect(file({ body: "a.txt" })).toEqual({
      url: "mxc://x/1",
      filename: "a.txt",
      size: null,
      encrypted: null,
    });
    expect(file({ body: "caption", filename: "a.txt", info: { size: 5 } })).toMatchObject({
      ...{ filename: "a.txt", size: 5 },
    });
    expect(file({ body: " ../a\\b\n\ud800 " })?.filename).toBe(".._a_b_\ufffd");
    expect(file({})?.filename).toBe("file");
    expect(file({ body: "😀".repeat(200) })?.filename).toBe("😀".repeat(127));
    expect(file({ body: "a", file: { url: "mxc://x/1" } })).toBeNull();
    expect(file({ body: "a", url: 7 })).toBeNull();
    expect(file({ body: "a" }, "m.sticker")).toMatchObject({ filename: "a" });
    expect(file({ msgtype: "m.text", body: "a" })).toBeNull();
    const content = { msgtype: "m.file", body: "caption", filename: "a.txt", url: "mxc://x/1" };
    expect(chatText({ type: "m.room.message", content }, "Mel", "kept")?.text).toBe("caption");
    expect(
      chatText({ type: "m.room.message", content: { ...content, body: " " } }, "Mel", "kept")?.text,
    ).toBe("a.txt");
  });

  test("a relation that says too little is none", () => {
    const reaction = (relation: object) =>
      relationOf({ "m.relates_to": { rel_type: "m.annotation", ...relation } });
    expect(reaction({ event_id: "$1", key: "👍" }).annotates).toEqual({ eventId: "$1", key: "👍" });
    for (const little of [
      {},
      { event_id: "$1" },
      { key: "👍" },
      { event_id: "$1", key: 7 },
      { event_id: 1, key: "a" },
    ]) {
      expect(reaction(little)).toEqual({ replaces: null, answers: null, thread: null, annotates: null });
    }
  });
});
