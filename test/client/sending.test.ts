/** Sending: an acknowledged message stands in the log once, in the order of sending, whatever was lost on the way. */
import { describe, expect, test } from "vitest";
import { OutboxFull } from "../../src/client/failures.ts";
import { apps } from "./app.ts";
import { type ScriptedServer, scriptedServers, type Trick } from "./scripted-server.ts";

const start = scriptedServers();
const app = apps();

function sentTexts(server: ScriptedServer, room: string): unknown[] {
  return server.log(room).map(({ data }) => data.text);
}

/** Throws 0 to `sides` − 1, the same in every run; a fixed round of tricks falls into step with the retries. */
function seededDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * sides);
  };
}

describe("sending", () => {
  test("resolves with the place in the log", async () => {
    const server = await start();
    server.message("r", "first");
    const { client } = app({ url: server.url });
    await client.connect();
    const ack = await client.send("r", "second", { replyTo: 1, mentions: ["2"] });

    expect(ack).toEqual({ room: "r", seq: 2, at: server.log("r")[1]?.at });
    expect(await server.hears("send")).toMatchObject({ text: "second", replyTo: 1, mentions: ["2"] });
    expect(client.waiting).toEqual([]);
  });

  test.each<[string, Trick]>([
    ["before the server got it", "cut before"],
    ["after it was stored and before the answer", "cut after"],
  ])("a connection lost %s: the message is said again under its id and stands once", async (_, trick) => {
    const server = await start();
    let sends = 0;
    server.script = ({ op }) => (op === "send" && ++sends === 1 ? trick : undefined);
    const { client } = app({ url: server.url });
    await client.connect();
    const ack = await client.send("r", "once");

    expect(sentTexts(server, "r")).toEqual(["once"]);
    expect(ack).toMatchObject({ seq: 1, ...(trick === "cut after" && { duplicate: true }) });
    const ids = server.heard.filter(({ op }) => op === "send").map(({ id }) => id);
    expect(ids.length).toBe(2);
    expect(new Set(ids).size).toBe(1);
  });

  test("a burst over connections that are lost at every stage keeps its order in each room", async () => {
    const server = await start();
    server.log("r");
    server.log("s");
    const tricks: Trick[] = ["cut before", "cut after"];
    const dice = seededDice(7);
    server.script = ({ op }) => (op === "send" ? tricks[dice(tricks.length * 4)] : undefined);
    const ann = app({ url: server.url });
    await ann.client.connect();
    const texts = Array.from({ length: 60 }, (_, n) => `message ${n}`);
    const acks = await Promise.all(texts.map((text, n) => ann.client.send(n % 2 ? "s" : "r", text)));
    await ann.until("every event", () => ann.events.length === 60);

    const even = texts.filter((_, n) => n % 2 === 0);
    const odd = texts.filter((_, n) => n % 2 === 1);
    expect(sentTexts(server, "r")).toEqual(even);
    expect(sentTexts(server, "s")).toEqual(odd);
    expect(ann.texts("r")).toEqual(even);
    expect(ann.texts("s")).toEqual(odd);
    expect(acks.map(({ seq }) => seq)).toEqual(texts.map((_, n) => Math.floor(n / 2) + 1));
  });

  test("messages go out without waiting for the answers of those before them", async () => {
    const server = await start();
    server.script = ({ op }) => (op === "send" ? "swallow" : undefined);
    const { client } = app({ url: server.url });
    await client.connect();
    const sent = Array.from({ length: 20 }, (_, n) => client.send("r", `message ${n}`));
    await server.hears("send", 8);
    server.script = () => undefined;
    server.cutAll();
    await Promise.all(sent);
    expect(sentTexts(server, "r")).toEqual(Array.from({ length: 20 }, (_, n) => `message ${n}`));
  });

  test("what has to be tried again goes alone, in its order, before all that was not sent yet", async () => {
    const server = await start();
    let sends = 0;
    server.script = ({ op }) =>
      op === "send" && [1, 2, 9].includes(++sends)
        ? { op: "error", code: "rate_limited", retry: true, retryAfterMs: 5 }
        : undefined;
    const { client } = app({ url: server.url });
    await client.connect();
    const names = Array.from("abcdefghijkl");
    await Promise.all(names.map((text) => client.send("r", text)));
    // The first eight were under way. The ninth frame is "a" once more.
    expect(sentTexts(server, "r").join("")).toBe("cdefghabijkl");
  });

  test("a backlog that is longer than what goes out at once is sent to its end", async () => {
    const server = await start();
    const { client } = app({ url: server.url });
    const sent = Array.from({ length: 230 }, (_, n) => client.send(`room ${n % 10}`, String(n)));
    await client.connect();
    await Promise.all(sent);
    expect(server.heard.filter(({ op }) => op === "send").length).toBe(230);
  });

  test("a refused message is told to its sender alone; the next ones go on", async () => {
    const server = await start();
    server.script = ({ op, text }) =>
      op === "send" && text === "bad" ? { op: "error", code: "read_only", retry: false } : undefined;
    const { client } = app({ url: server.url });
    await client.connect();
    const [bad, good] = await Promise.allSettled([client.send("r", "bad"), client.send("r", "good")]);

    expect(bad).toMatchObject({ status: "rejected", reason: { name: "Refused", code: "read_only" } });
    expect(good.status).toBe("fulfilled");
  });

  test("a closed lobby is told and not waited for", async () => {
    const server = await start();
    server.script = ({ op }) => (op === "send" ? { op: "error", code: "lobby", retry: true } : undefined);
    const { client } = app({ url: server.url });
    await client.connect();
    await expect(client.send("r", "knock")).rejects.toMatchObject({ code: "lobby" });
  });

  test("a message longer than a frame is refused here and never said", async () => {
    const server = await start();
    const { client } = app({ url: server.url });
    await client.connect();
    await expect(client.send("r", "\u0001".repeat(12_000))).rejects.toMatchObject({ code: "too_large" });
    expect(await client.send("r", "fine")).toMatchObject({ seq: 1 });
    expect(server.heard.filter(({ op }) => op === "send").length).toBe(1);
  });

  test("messages sent while offline wait in order, and their number is bounded", async () => {
    const server = await start();
    const { client } = app({ url: server.url, outboxLimit: 3 });
    const sent = ["a", "b", "c"].map((text) => client.send("r", text));
    await expect(client.send("r", "d")).rejects.toBeInstanceOf(OutboxFull);
    expect(client.waiting.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    await client.connect();
    await Promise.all(sent);

    expect(sentTexts(server, "r")).toEqual(["a", "b", "c"]);
    await client.send("r", "e");
  });

  test("a session that is ended as soon as it is told takes no waiting message with it", async () => {
    const server = await start();
    const { client } = app({ url: server.url });
    const off = client.on("ready", () => {
      off();
      client.refresh();
    });
    const sent = client.send("r", "patient");
    await client.connect();
    expect(await sent).toMatchObject({ seq: 1 });
    expect(sentTexts(server, "r")).toEqual(["patient"]);
  });

  test("a message sent from the acknowledgement of the last one is not left lying", async () => {
    const server = await start();
    const { client } = app({ url: server.url });
    await client.connect();
    for (let n = 0; n < 20; n++) await client.send("r", `message ${n}`);
    expect(server.log("r").length).toBe(20);
  });
});
