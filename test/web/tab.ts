/** A tab as the tests use it: what a person does there, and what they see. Waits are for what must come to be seen. */
import type { Browser, Page } from "puppeteer-core";

const LIMIT_MS = 40_000;

export interface Tab {
  page: Page;
  /** What the page complained about; must stay empty. */
  faults: string[];
  signIn(name: string, password: string): Promise<void>;
  write(text: string): Promise<void>;
  /** Texts of the messages, in the order in which they stand there. */
  messages(): Promise<string[]>;
  /** Resolves when the check of what {@link Tab.messages} gives holds. */
  untilMessages(what: string, check: (texts: string[]) => boolean): Promise<void>;
  /** Resolves when the first element of this selector shows text that contains this. */
  untilShown(selector: string, text: string): Promise<void>;
  text(selector: string): Promise<string>;
}

/** Opens a tab of its own window, so that the browser does not put it to sleep behind another. */
export async function openTab(browser: Browser, url: string, separate = false): Promise<Tab> {
  const owner = separate ? await browser.createBrowserContext() : browser.defaultBrowserContext();
  const page = await owner.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  await page.setViewport({ width: 1100, height: 720 });
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // Refused connections and answers are what these tests are about; the browser logs each.
    if (message.type() === "error" && !/ERR_|WebSocket|status of/.test(message.text()))
      faults.push(message.text());
  });
  await page.goto(url);
  return tabOf(page, faults);
}

function tabOf(page: Page, faults: string[]): Tab {
  const tab: Tab = {
    page,
    faults,
    async signIn(name, password) {
      await page.waitForSelector("#sign-in:not([hidden])");
      await page.$eval("#sign-in [name=login]", (field) => {
        field.value = "";
      });
      await page.type("#sign-in [name=login]", name);
      await page.type("#sign-in [name=password]", password);
      await page.keyboard.press("Enter");
    },
    async write(text) {
      await page.waitForSelector("#composer:not([hidden])");
      await page.type("#composer textarea", text);
      await page.keyboard.press("Enter");
    },
    messages: () =>
      page.$$eval("#messages .bubble > p", (found) => found.map((each) => each.textContent ?? "")),
    untilMessages: (what, check) =>
      until(what, async () => {
        const texts = await tab.messages();
        return check(texts) ? null : texts;
      }),
    untilShown: (selector, text) =>
      until(`“${text}” in ${selector}`, async () => {
        const shown = await page.$eval(selector, (found) => found.textContent ?? "").catch(() => "nothing");
        return shown.includes(text) ? null : shown;
      }),
    text: (selector) => page.$eval(selector, (found) => found.textContent ?? ""),
  };
  return tab;
}

/** Looks again after each frame of the page would be simplest, but hidden pages have none: it looks every 20 ms. */
async function until(what: string, look: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  for (let seen = await look(); seen !== null; seen = await look()) {
    if (Date.now() > deadline)
      throw new Error(`the page never showed ${what}; it showed ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
