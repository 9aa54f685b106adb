/**
 * The demo page: a chat for people, on the client SDK, plain TypeScript and the DOM. Reading order: this file,
 * login.ts, chat.ts, conversation.ts (what is shown), then the parts of the screen.
 * Everything that a tab knows lives in its `sessionStorage`, so two tabs can be two people.
 */
import { type Client, createClient } from "../client/client.ts";
import { webStorageCursors } from "../client/cursors.ts";
import { Chat } from "./chat.ts";
import { element, find } from "./elements/element.ts";
import {
  forgetLogin,
  identityProvider,
  keptLogin,
  type Login,
  signedInByProvider,
  signIn,
  signOut,
  tokenSource,
} from "./login.ts";

/** A person is looking: they wait less long than an app in a pocket. */
const BACKOFF = { baseMs: 1_000, capMs: 8_000 };
/** Why the last session ended, and who it was, for the form after the reload. */
const ENDED_KEY = "causeway.ended";

function main(): void {
  signedInByProvider()
    .then((login) => login ?? keptLogin())
    .then((login) => {
      if (login) start(login, null);
      else showForm("");
    })
    .catch((error: Error) => showForm(error.message));
}

/** @param password what was typed a moment ago; null after a reload */
function start(login: Login, password: string | null): void {
  const client = createClient({
    url: new URL("ws", document.baseURI).href.replace(/^http/, "ws"),
    token: tokenSource(login, password),
    store: webStorageCursors(sessionStorage, `causeway.cursor.${login.user}`),
    device: "web",
    backoff: BACKOFF,
  });
  new Chat(client);
  let leaving = false;
  client.on("state", (state) => {
    if (state.name !== "ended" || leaving) return;
    sessionStorage.setItem(ENDED_KEY, JSON.stringify({ name: login.name, reason: state.reason }));
    forgetLogin();
    location.reload();
  });
  find("#sign-out", HTMLButtonElement).addEventListener("click", () => {
    leaving = true;
    client.disconnect();
    void signOut().then((atProvider) => {
      if (atProvider) location.assign("login/oidc/logout");
      else location.reload();
    });
  });
  wakeWithThePage(client);
  client.connect().catch(() => {
    // Told as a state.
  });
}

/** Whoever looks at the page, or whose network came back, does not want to wait for the next attempt. */
function wakeWithThePage(client: Client): void {
  addEventListener("online", () => client.wake());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") client.wake();
  });
}

/** Offers the identity provider, where there is one. Its name is the operator's. */
async function offerProvider(): Promise<void> {
  const provider = await identityProvider();
  if (!provider) return;
  const place = find("#sign-in-oidc", HTMLElement);
  place.replaceChildren(element("a", { href: provider.url }, `Sign in with ${provider.name}`));
  place.hidden = false;
}

/** @param failed why the last sign-in failed; empty: it did not */
function showForm(failed: string): void {
  const form = find("#sign-in", HTMLFormElement);
  const problem = find("#sign-in-error", HTMLElement);
  const name = find("[name=login]", HTMLInputElement, form);
  const password = find("[name=password]", HTMLInputElement, form);
  const button = find("button", HTMLButtonElement, form);
  const ended = JSON.parse(sessionStorage.getItem(ENDED_KEY) ?? "null") as {
    name: string;
    reason: string;
  } | null;
  sessionStorage.removeItem(ENDED_KEY);
  form.hidden = false;
  name.value = ended?.name ?? "";
  problem.textContent = failed || (ended?.reason ?? "");
  void offerProvider();
  (ended ? password : name).focus();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    signIn(name.value.trim(), password.value)
      .then((login) => {
        form.hidden = true;
        start(login, password.value);
        form.reset();
      })
      .catch((error: Error) => {
        problem.textContent = error.message;
        password.select();
      })
      .finally(() => {
        button.disabled = false;
      });
  });
}

main();
