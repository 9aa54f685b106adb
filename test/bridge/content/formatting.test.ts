/** Formatted texts: the chat's Markdown and Matrix' HTML, both ways. */
import { describe, expect, test } from "vitest";
import type { Mentioned } from "../../../bridge/formatting/pills.ts";
import { htmlOf } from "../../../bridge/formatting/to-html.ts";
import { chatTextOf } from "../../../bridge/formatting/to-markdown.ts";
import { describeBridge, until } from "../world.ts";

const ben: Mentioned = {
  matrixId: "@cw_2:hs.test",
  name: "Ben O.",
  written: ["Ben O.", "ben", "b-en", "b/(e)", "2"],
};
const PILL = '<a href="https://matrix.to/#/@cw_2:hs.test">Ben O.</a>';
const html = (text: string) => htmlOf(text, { format: "markdown", mentioned: [ben] });

describe("Markdown as HTML", () => {
  test.each([
    ["**bold** and _it_, ~~no~~", "<strong>bold</strong> and <em>it</em>, <del>no</del>"],
    ["a `x < y`\nb", "a <code>x &#x3C; y</code><br>\nb"],
    ["||the **end**|| of it", '<span data-mx-spoiler="">the <strong>end</strong></span> of it'],
    ["- [x] done", "<ul>\n<li>☑ done</li>\n</ul>"],
    ["![a cat](https://x.test/c.png)", '<a href="https://x.test/c.png">a cat</a>'],
    ["[here](javascript:alert)", "<a>here</a>"],
    ['hi @ben, @"2" and @Ben O.!', `hi ${PILL}, ${PILL} and ${PILL}!`],
    ["`@ben` [@ben](https://x.test) a@ben", '<code>@ben</code> <a href="https://x.test">@ben</a> a@ben'],
    ["**b** <script>alert()</script>", "<strong>b</strong> &#x3C;script>alert()&#x3C;/script>"],
  ])("%s", (text, expected) => expect(html(text)).toBe(expected));

  test.each(["plain", "two\nlines", "a || b", "<b>not bold</b>"])("%j says the same as it is", (text) => {
    expect(html(text)).toBeNull();
  });

  test("of a text that is no Markdown only mentions are more than text", () => {
    const mentioned = [ben];
    expect(htmlOf("**so** @ben\n<b>", { mentioned })).toBe(`**so** ${PILL}<br>\n&#x3C;b>`);
    expect(htmlOf("@b-en @b/(e)", { mentioned })).toBe(`${PILL} ${PILL}`);
    expect(htmlOf("**so** @bent", { mentioned })).toBeNull();
    expect(htmlOf("**so**", { mentioned: [] })).toBeNull();
  });
});

describe("HTML as Markdown", () => {
  test.each([
    ["<strong>bold</strong> and <em>it</em>, <del>no</del>", "**bold** and *it*, ~~no~~"],
    ["<b>a</b><br># b<br>- c", "**a**\n\\# b\n\\- c"],
    ['<span data-mx-spoiler="why">the <b>end</b></span> of it', "||the **end**|| of it"],
    ['<pre><code class="language-js">x\n</code></pre>', "```js\nx\n```"],
    ["<blockquote>so</blockquote><p>no</p>", "> so\n\nno"],
    ['<b>x</b> <img src="mxc://x/1" alt=":cat:" data-mx-emoticon>', "**x** :cat:"],
    ["<mx-reply><blockquote>quote</blockquote></mx-reply><b>yes</b>", "**yes**"],
    ['<a href="javascript:alert()">x</a><script>alert()</script>', "[x]()"],
  ])("%s", (source, text) => expect(chatTextOf(source)).toEqual({ text, format: "markdown", pills: [] }));

  test("lines, addresses and mentions are plain text", () => {
    const plain = (source: string) => chatTextOf(source);
    expect(plain("<p>a # b</p><p>1. x<br>2. y</p>")).toEqual({ text: "a # b\n\n1. x\n2. y", pills: [] });
    expect(plain(`${PILL}: <a href="https://x.test/a_b">https://x.test/a_b</a>`)).toEqual({
      ...{ text: "@Ben O.: https://x.test/a_b", pills: ["@cw_2:hs.test"] },
    });
    expect(plain('<a href="https://matrix.to/#/!room:x">room</a>')?.pills).toEqual([]);
  });

  test("a mention keeps its name and the text around it", () => {
    expect(chatTextOf(`<b>Hi</b> ${PILL}`)).toEqual({
      ...{ text: "**Hi** @Ben O.", format: "markdown", pills: ["@cw_2:hs.test"] },
    });
  });
});

test.each([
  [">", 5_000],
  ["[", 5_000],
  ["**_", 3_000],
  ["<b>", 5_000],
  ['<a href="x">', 2_000],
  [`${" ".repeat(200)}- a\n`, 80],
])("%j many times is left as it is written", (part, times) => {
  expect(html(part.repeat(times))).toBeNull();
  expect(chatTextOf(part.repeat(times))).toBeNull();
});

describeBridge("formatted texts", (world) => {
  test("come to Matrix as HTML with pills, with their edits, and from there as Markdown", async () => {
    const here = await world.meeting();
    const { ada, ben, room, matrixRoom, client } = here;
    const said = async (text: string) => {
      await world.untilSaid(room, text);
      const events = (await world.events(room)).filter(({ type }) => type === "message");
      return JSON.parse(events.at(-1)?.dataJson ?? "null");
    };
    const formatted = (body: string) => async () =>
      (await client.timeline(matrixRoom)).find(({ content }) => content.body === body)?.content;

    const mentions = [String(ada.id)];
    const seq = await world.say(ben, room, "**Hi** @Ada", { format: "markdown", mentions });
    await world.mirrored(room);
    const pill = `<a href="https://matrix.to/#/${world.ghosts.ofUser(ada.id)}">Ada</a>`;
    expect(await formatted("**Hi** @Ada")()).toMatchObject({
      ...{ format: "org.matrix.custom.html", formatted_body: `<strong>Hi</strong> ${pill}` },
      "m.mentions": { user_ids: [world.ghosts.ofUser(ada.id)] },
    });
    const by = { kind: "user", id: String(ben.id), name: "Ben" } as const;
    await world.useCases.messages.edit(by, room.token, seq, { text: "*Bye* @Ada" });
    const edit = await until("the edit is in Matrix", formatted("* *Bye* @Ada"));
    expect(edit).toMatchObject({
      formatted_body: `* <em>Bye</em> ${pill}`,
      "m.new_content": { format: "org.matrix.custom.html", formatted_body: `<em>Bye</em> ${pill}` },
    });

    const content = { msgtype: "m.text", format: "org.matrix.custom.html" };
    const bens = `<a href="https://matrix.to/#/${world.ghosts.ofUser(ben.id)}">Ben</a>`;
    const id = await client.say(matrixRoom, {
      ...{ ...content, body: "Ben: so", formatted_body: `${bens}: <b>so</b>` },
    });
    expect(await said("Ada: @Ben: **so**")).toEqual({
      ...{ text: "@Ben: **so**", format: "markdown", mentions: [String(ben.id)] },
    });
    await client.say(matrixRoom, {
      ...{ ...content, body: "* no", "m.new_content": { msgtype: "m.text", body: "no" } },
      "m.relates_to": { rel_type: "m.replace", event_id: id },
    });
    expect((await said("Ada: no")).format).toBeUndefined();
    await client.say(matrixRoom, { msgtype: "m.notice", body: "beep" });
    expect(await said("Ada: beep")).toEqual({ text: "beep", silent: true, kind: "x.matrix.notice" });
  });
});
