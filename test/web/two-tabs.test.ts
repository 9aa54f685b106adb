/** README's tour in a real browser: two people in two tabs, the server killed in the middle, nothing lost or doubled. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { provision } from "../black-box/provision.ts";
import { serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";
import { openTab, type Tab } from "./tab.ts";

const LIMIT_MS = 120_000;

describeWith("chromium", "two tabs on a running server", ({ chromium }) => {
  const fleet = serverFleet();
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch();
  });
  afterAll(() => browser.close());

  async function seeAll(tabs: readonly Tab[], texts: readonly string[]): Promise<void> {
    for (const tab of tabs)
      await tab.untilMessages(texts.at(-1) ?? "", (seen) => seen.at(-1) === texts.at(-1));
    for (const tab of tabs) expect(await tab.messages()).toEqual(texts);
  }

  test(
    "two people chat, go on after kill -9 and a reload, and have read what they saw",
    async () => {
      const server = await fleet.start();
      await provision(server.url, ["ann", "bob"], 1);
      const ann = await openTab(browser, server.url);
      await ann.signIn("ann", "password of ann");
      // The same browser: this sign-in takes the cookie over.
      const bob = await openTab(browser, server.url);
      await bob.signIn("bob", "password of bob");
      const tabs = [ann, bob];
      for (const tab of tabs) await tab.untilShown("#room-name", "Room 1");

      await ann.write("Hello Bob 👋");
      await seeAll(tabs, ["Hello Bob 👋"]);
      await bob.write("שלום Ann");
      await seeAll(tabs, ["Hello Bob 👋", "שלום Ann"]);

      await server.kill9();
      for (const tab of tabs) await tab.untilShown("#state", "Reconnecting");
      await ann.write("written while it was dead");
      await ann.untilShown("#state", "1 unsent");
      const again = await fleet.startBare(server.settings);
      for (const tab of tabs) await tab.untilShown("#state", "Online");
      const texts = ["Hello Bob 👋", "שלום Ann", "written while it was dead"];
      await seeAll(tabs, texts);
      await bob.write("I am still here");
      texts.push("I am still here");
      await seeAll(tabs, texts);

      await ann.page.reload();
      await seeAll(tabs, texts);
      expect(await ann.text("#me")).toBe("Ann Example");
      await ann.write("back from the reload");
      texts.push("back from the reload");
      await seeAll(tabs, texts);

      for (const tab of tabs) {
        await tab.page.bringToFront();
        await tab.page.waitForFunction("document.title === 'Causeway'");
        expect(await tab.page.$$eval('#messages [aria-label="Sending"]', (found) => found.length)).toBe(0);
        expect(tab.faults).toEqual([]);
      }
      await again.stop();
    },
    LIMIT_MS,
  );
});
