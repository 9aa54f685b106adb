/** The pages under `/docs` in a real browser: they are whole, and their console tries requests on this server. */
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { provision } from "../black-box/provision.ts";
import { type ServerProcess, serverFleet } from "../black-box/server-process.ts";
import { describeWith } from "../services/need.ts";
import { openTab } from "../web/tab.ts";

describeWith("chromium", "/docs", ({ chromium }) => {
  const fleet = serverFleet();
  let browser: Browser;
  let server: ServerProcess;
  beforeAll(async () => {
    [browser, server] = await Promise.all([chromium.launch(), fleet.start()]);
  });
  afterAll(() => browser?.close());

  test("opens with the guide, written for this server, and names every way in", async () => {
    const { page, faults } = await openTab(browser, `${server.url}/docs`, true);
    const text = await page.$eval("main", (main) => main.textContent ?? "");
    expect(text).toContain("Build a chat in 15 minutes");
    expect(text).toContain(`API=\${API:-${server.url}}`);
    const links = await page.$$eval("main a", (found) => found.map((link) => link.getAttribute("href")));
    for (const name of ["messenger", "talk", "wire", "protocol", "admin", "socket"])
      expect(links).toEqual(expect.arrayContaining([`docs/${name}`, `openapi/${name}.json`]));
    expect(faults).toEqual([]);
  });

  test("shows the protocol of the socket with its sections, and each op with its fields", async () => {
    const { page, faults } = await openTab(browser, `${server.url}/docs/socket`, true);
    const places = await page.$$eval("a[href^='#']", (links) =>
      links.map((link) => {
        const place = link.getAttribute("href") ?? "";
        return [place, link.ownerDocument.getElementById(place.slice(1))?.tagName];
      }),
    );
    expect(places).toContainEqual(["#7-resume", "H2"]);
    expect(places.filter(([, target]) => target === undefined)).toEqual([]);
    const ops = await page.$$eval("details > summary code", (found) => found.map((op) => op.textContent));
    expect(ops).toEqual(expect.arrayContaining(["send", "history", "event"]));
    expect(faults).toEqual([]);
  });

  test("tries a request with the caller's own token, within the policy of the page", async () => {
    const site = await provision(server.url, ["ann"], 1);
    const { page, faults } = await openTab(browser, `${server.url}/docs/messenger`, true);
    await page.waitForSelector(".opblock");
    await page.click(".btn.authorize");
    await page.waitForSelector(".auth-container input");
    const fields = await page.$$(".auth-container");
    for (const field of fields) {
      const name = await field.evaluate((one) => one.textContent ?? "");
      if (!name.includes("Personal-Access-Token")) continue;
      await field.$("input").then((input) => input?.type(site.people[0]?.token ?? ""));
      await field.$(".btn.authorize").then((button) => button?.click());
    }
    await page.click(".btn-done");
    const operation = "[id$='-get_chatrooms']";
    await page.click(`${operation} .opblock-summary-control`);
    await page.waitForSelector(`${operation} .try-out__btn`);
    await page.click(`${operation} .try-out__btn`);
    await page.type(`${operation} [placeholder=organization_id]`, String(site.organizationId));
    await page.click(`${operation} .execute`);
    const answer = await page.waitForSelector(`${operation} .live-responses-table .response`);
    const text = (await answer?.evaluate((row) => row.textContent)) ?? "";
    expect(text).toMatch(/^200/);
    expect(text).toContain('"name": "Room 1"');
    expect(faults).toEqual([]);
  });
});
