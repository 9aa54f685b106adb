/** The demo page in a real browser, before a server that can be made to fail at any point. */
import type { Browser } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { describeWith } from "../services/need.ts";
import { PASSWORD, type PageServer, startPageServer } from "./page-server.ts";
import { openTab, type Tab } from "./tab.ts";

// A browser on a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000 });

describeWith("chromium", "demo page", ({ chromium }) => {
  let browser: Browser;
  let server: PageServer;
  let tab: Tab;

  beforeAll(async () => {
    browser = await chromium.launch();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    server = await startPageServer();
    tab = await openTab(browser, server.url, true);
  });
  afterEach(async () => {
    await tab.page.browserContext().close();
    await server.stop();
    expect(tab.faults).toEqual([]);
  });

  async function signedIn(): Promise<void> {
    await tab.signIn("ann", PASSWORD);
    await tab.untilShown("#state", "Online");
  }

  test("says what is wrong with a sign-in, and lets in who does better", async () => {
    await tab.signIn("ann", "wrong");
    await tab.untilShown("#sign-in-error", "Authentication failed.");
    await tab.signIn("ann", PASSWORD);
    await tab.untilShown("#me", "Ann");
  });

  test("signs in with the identity provider where one is set, says why not, and signs out there, too", async () => {
    expect(await tab.page.$$("#sign-in-oidc a")).toEqual([]);
    server.provider = "<b>Example</b>";
    await tab.page.reload();
    await tab.untilShown("#sign-in-oidc", "Sign in with <b>Example</b>");
    await tab.page.click("#sign-in-oidc a");
    await tab.untilShown("#sign-in-error", "The identity provider did not let you in.");
    expect(new URL(tab.page.url()).hash).toBe("");
    server.cookieOf = "ann";
    await tab.untilShown("#sign-in-oidc", "Example");
    await tab.page.click("#sign-in-oidc a");
    await tab.untilShown("#me", "Ann");
    await tab.page.click("#sign-out");
    await tab.untilShown("#sign-in-oidc", "Example");
    expect(server.asked.filter((path) => path.startsWith("/login/"))).toEqual([
      "/login/oidc",
      "/login/oidc",
      "/login/oidc/logout",
    ]);
  });

  test("shows text as text, whatever it looks like, and links nothing but web addresses", async () => {
    const nasty = '<img src=x onerror="document.title=1"> javascript:alert(1) https://example.org/a?b=1.';
    server.sockets.message("r", nasty, { actor: { kind: "user", id: "2", name: "<b>Bob</b>" } });
    await signedIn();
    await tab.untilMessages("it", (texts) => texts.length === 1);

    expect(await tab.messages()).toEqual([nasty]);
    expect(await tab.page.$$eval("#messages img, #messages b b", (found) => found.length)).toBe(0);
    const links = await tab.page.$$eval("#messages a", (found) =>
      found.map(({ href, rel }) => ({ href, rel })),
    );
    expect(links).toEqual([{ href: "https://example.org/a?b=1", rel: "noopener noreferrer" }]);
  });

  test("tells guests and people in Matrix apart from the members whose names they took", async () => {
    const names = (kind: "user" | "guest" | "matrix") => ({ actor: { kind, id: `${kind}-1`, name: "Bob" } });
    const { seq } = server.sockets.message("r", "from a guest", names("guest"));
    server.sockets.message("r", "from a member", names("user"));
    server.sockets.message("r", "from Matrix", names("matrix"));
    server.sockets.message("r", "an answer", { ...names("user"), data: { text: "an answer", replyTo: seq } });
    await signedIn();
    await tab.untilMessages("all", (texts) => texts.length === 4);

    const heads = await tab.page.$$eval("#messages .bubble > .author", (found) =>
      found.map((name) => [...name.children].map(({ textContent }) => textContent)),
    );
    expect(heads).toEqual([["Bob", "Guest"], ["Bob"], ["Bob", "Matrix"], ["Bob"]]);
    expect(await tab.text("#messages .quote .author")).toBe("BobGuest");
  });

  test("loads history as one scrolls up, in order, up to the beginning", async () => {
    for (let n = 1; n <= 230; n++) server.sockets.message("r", `message ${n}`);
    await signedIn();
    await tab.untilMessages("the newest", (texts) => texts.at(-1) === "message 230");
    for (let round = 0; round < 8; round++) {
      await tab.page.$eval("#messages", (list) => {
        list.scrollTop = 0;
      });
      const before = (await tab.messages()).length;
      if (before === 230) break;
      await tab.untilMessages("more", (texts) => texts.length > before);
    }
    expect(await tab.messages()).toEqual(Array.from({ length: 230 }, (_, n) => `message ${n + 1}`));
  });

  test("shows a message as sending until it is acknowledged, then as sent, then as read", async () => {
    server.sockets.log("r");
    server.sockets.script = ({ op }) => (op === "send" ? "swallow" : undefined);
    await signedIn();
    await tab.write("hello");
    await tab.page.waitForSelector('#messages .mine [aria-label="Sending"]');
    server.sockets.script = () => undefined;
    server.sockets.cutAll();
    await tab.page.waitForSelector('#messages .mine [aria-label="Sent"]');
    server.sockets.announce({
      op: "receipt",
      room: "r",
      actor: { kind: "user", id: "2", name: "Bob" },
      read: 1,
    });
    await tab.page.waitForSelector('#messages .mine [aria-label="Read"]');

    expect(await tab.messages()).toEqual(["hello"]);
    expect(server.sockets.log("r").length).toBe(1);
  });

  test("a refused message says why, and can be tried again", async () => {
    server.sockets.log("r");
    server.sockets.script = ({ op }) =>
      op === "send"
        ? { op: "error", code: "read_only", retry: false, message: "The room is read-only" }
        : undefined;
    await signedIn();
    await tab.write("hello");
    await tab.untilShown("#messages .problem", "The room is read-only");
    server.sockets.script = () => undefined;
    await tab.page.locator("#messages ::-p-text(Try again)").click();
    await tab.page.waitForSelector('#messages .mine [aria-label="Sent"]');
    expect(await tab.messages()).toEqual(["hello"]);
  });

  test("what was not sent yet is sent after a reload, once", async () => {
    server.sockets.log("r");
    server.sockets.script = ({ op }) => (op === "send" ? "cut after" : undefined);
    await signedIn();
    await tab.write("hello");
    await server.sockets.hears("send");
    await tab.page.reload();
    server.sockets.script = () => undefined;
    await tab.page.waitForSelector('#messages .mine [aria-label="Sent"]');
    expect(await tab.messages()).toEqual(["hello"]);
    expect(server.sockets.log("r").map(({ data }) => data.text)).toEqual(["hello"]);
  });

  test("marks what is read, and shows badges for what is not", async () => {
    server.sockets.message("r", "in the open room");
    server.sockets.message("s", "elsewhere");
    await signedIn();
    const shown = String(server.sockets.heard.find(({ op }) => op === "open")?.room);
    const other = shown === "r" ? "s" : "r";
    expect(await server.sockets.hears("read")).toMatchObject({ room: shown, seq: 1 });
    await tab.page.waitForSelector(`#rooms [data-room=${other}] [aria-label="1 unread messages"]`);
    server.sockets.message(other, "Ann!", { data: { text: "Ann!", mentions: ["1"] } });
    await tab.page.waitForSelector(`#rooms [data-room=${other}] [aria-label="1 unread mentions"]`);
    expect(await tab.page.title()).toBe("(2) Causeway");

    await tab.page.click(`#rooms [data-room=${other}]`);
    await server.sockets.hears("read", 2);
    await tab.page.waitForFunction("document.title === 'Causeway'");
  });

  test("shows who writes, and who is here", async () => {
    server.sockets.log("r");
    await signedIn();
    await server.sockets.hears("open");
    const actor = { kind: "user", id: "2", name: "Bob" };
    server.sockets.announce({ op: "typing", room: "r", actor, on: true });
    server.sockets.announce({ op: "presence", room: "r", actor, lastPing: Date.now() });
    await tab.untilShown("#typing", "Bob is writing…");
    await tab.untilShown("#presence", "Bob here");
    server.sockets.message("r", "done");
    await tab.page.waitForFunction("document.querySelector('#typing').textContent === ''");
    await tab.page.type("#composer textarea", "me too");
    expect(await server.sockets.hears("typing")).toMatchObject({ room: "r", on: true });
  });

  test("replies name what they answer", async () => {
    server.sockets.message("r", "question?");
    await signedIn();
    await tab.page.locator("#messages .action").click();
    await tab.write("answer!");
    await tab.untilShown("#messages .quote", "question?");
    expect(await server.sockets.hears("send")).toMatchObject({ text: "answer!", replyTo: 1 });
  });

  test("loads a room anew when its history can't be continued", async () => {
    for (let n = 1; n <= 3; n++) server.sockets.message("r", `old ${n}`);
    await signedIn();
    await tab.untilMessages("the old ones", (texts) => texts.length === 3);
    server.sockets.rooms.set("r", []);
    for (let n = 1; n <= 5; n++) server.sockets.message("r", `new ${n}`, {});
    server.sockets.epoch = "epoch-2";
    server.sockets.cutAll();
    await tab.untilMessages("the new ones", (texts) => texts.length === 5 && texts[0] === "new 1");
  });

  test("a room that we are brought into gets its name without anything being lost", async () => {
    server.sockets.log("r");
    await signedIn();
    const member = { kind: "user", id: "1", name: "Ann" };
    server.sockets.append("new", { type: "member.joined", data: { member, role: "user" } });
    server.sockets.message("new", "welcome");
    await tab.untilShown("#rooms [data-room=new]", "Room new");
    await tab.page.click("#rooms [data-room=new]");
    await tab.untilMessages("the welcome", (texts) => texts.length === 1);
  });

  test("a token that ends is renewed with the cookie", async () => {
    server.sockets.log("r");
    await signedIn();
    server.sockets.closeAll(4501, "expired");
    await server.sockets.hears("hello", 2);
    await tab.untilShown("#state", "Online");
    expect(server.asked).toEqual(["/login", "/access"]);
  });

  test("a cookie that another tab took over does not make this tab somebody else", async () => {
    server.sockets.log("r");
    await signedIn();
    server.cookieOf = "bob";
    server.sockets.closeAll(4501, "expired");
    expect(await server.sockets.hears("hello", 2)).toMatchObject({ token: "token of ann" });
    expect(server.asked).toEqual(["/login", "/access", "/login"]);

    await tab.page.reload();
    await server.sockets.hears("hello", 3);
    server.cookieOf = "bob";
    server.sockets.closeAll(4501, "expired");
    await tab.untilShown("#sign-in-error", "Another tab signed in");
    expect(await tab.page.$eval("#sign-in [name=login]", ({ value }) => value)).toBe("ann");
  });

  test("signing out forgets everything that the tab knew", async () => {
    server.sockets.message("r", "secret");
    await signedIn();
    await Promise.all([tab.page.waitForNavigation(), tab.page.click("#sign-out")]);
    await tab.page.waitForSelector("#sign-in:not([hidden])");
    expect(await tab.page.evaluate("sessionStorage.length")).toBe(0);
    expect(server.asked.at(-1)).toBe("/access/logout");
    expect(await tab.messages()).toEqual([]);
  });

  test("small screens show the rooms or the room", async () => {
    server.sockets.message("r", "hello");
    await tab.page.setViewport({ width: 390, height: 760 });
    await signedIn();
    await tab.page.waitForSelector("#rooms button");
    expect(await tab.page.$eval("section", ({ offsetWidth }) => offsetWidth)).toBe(0);
    await tab.page.click("#rooms button");
    await tab.untilMessages("hello", (texts) => texts.length === 1);
    expect(await tab.page.$eval("aside", ({ offsetWidth }) => offsetWidth)).toBe(0);
    await tab.page.click("#back");
    await tab.page.waitForFunction("document.querySelector('aside').offsetWidth > 300");
  });
});
