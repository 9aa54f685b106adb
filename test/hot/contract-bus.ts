/** What the bus promises within one process. */
import { describe, expect, test, vi } from "vitest";
import { type Bus, channels } from "../../src/domain/ports/bus.ts";
import { freshId } from "./fresh-id.ts";

export function busContract(bus: () => Bus): void {
  describe("the bus", () => deliveryContract(bus));
}

/** Listens until so many messages came. */
export async function listen(bus: Bus, channel: string, count: number) {
  const messages: Uint8Array[] = [];
  let complete: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const handler = (message: Uint8Array) => {
    messages.push(message);
    if (messages.length === count) complete();
  };
  await bus.subscribe(channel, handler);
  return { messages, all, handler };
}

function deliveryContract(bus: () => Bus): void {
  test("carries every byte, in the publisher's order, to every listener of the channel", async () => {
    const channel = channels.room(freshId());
    const sent = Array.from({ length: 1_500 }, (_, i) => Uint8Array.from([i >> 8, i, 0, 10, 13, 128, 255]));
    const ears = await Promise.all([
      listen(bus(), channel, sent.length),
      listen(bus(), channel, sent.length),
    ]);
    for (const message of sent) bus().publish(channel, message);
    for (const { messages, all } of ears) {
      await all;
      expect(messages.map((message) => [...message])).toEqual(sent.map((message) => [...message]));
      expect(messages[0]).toBeInstanceOf(Uint8Array);
    }
  });

  test("a part of a larger buffer is carried as that part, and an empty message as such", async () => {
    const channel = channels.user(freshId());
    const { messages, all } = await listen(bus(), channel, 2);
    bus().publish(channel, Buffer.from("before|inside|after").subarray(7, 13));
    bus().publish(channel, new Uint8Array());
    await all;
    expect(messages.map((message) => Buffer.from(message).toString())).toEqual(["inside", ""]);
  });

  test("delivers later, never while publishing", async () => {
    const channel = channels.room(freshId());
    const { messages, all } = await listen(bus(), channel, 1);
    bus().publish(channel, Uint8Array.of(1));
    expect(messages).toEqual([]);
    await all;
  });

  test("channels do not hear each other, and who unsubscribed hears nothing more", async () => {
    const [one, two] = [channels.room(freshId()), channels.room(freshId())];
    const [gone, stays] = [await listen(bus(), one, 1), await listen(bus(), one, 2)];
    const other = await listen(bus(), two, 1);
    bus().publish(one, Uint8Array.of(1));
    await gone.all;
    await bus().unsubscribe(one, gone.handler);
    bus().publish(one, Uint8Array.of(2));
    bus().publish(two, Uint8Array.of(3));
    await Promise.all([stays.all, other.all]);
    expect(gone.messages).toHaveLength(1);
    expect(other.messages.map((message) => message[0])).toEqual([3]);
  });

  test("subscribing twice is once; unsubscribing what is not subscribed is fine; coming back hears again", async () => {
    const channel = channels.room(freshId());
    const marker = channels.room(freshId());
    const handler = vi.fn();
    await Promise.all([bus().subscribe(channel, handler), bus().subscribe(channel, handler)]);
    await bus().unsubscribe(channel, handler);
    await bus().unsubscribe(channel, handler);
    void bus().unsubscribe(channel, handler);
    await bus().subscribe(channel, handler);
    const end = await listen(bus(), marker, 1);
    bus().publish(channel, Uint8Array.of(1));
    bus().publish(marker, Uint8Array.of(2));
    await end.all;
    await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(1));
  });

  test("leaving and coming back in one turn misses nothing", async () => {
    const channel = channels.room(freshId());
    const before = await listen(bus(), channel, 1);
    const left = bus().unsubscribe(channel, before.handler);
    const after = await listen(bus(), channel, 1);
    await left;
    bus().publish(channel, Uint8Array.of(1));
    await after.all;
    expect(before.messages).toEqual([]);
  });

  test("a listener that throws does not keep the message from the others", async () => {
    const channel = channels.room(freshId());
    await bus().subscribe(channel, () => {
      throw new Error("a listener's own error");
    });
    const { all } = await listen(bus(), channel, 1);
    bus().publish(channel, Uint8Array.of(1));
    await all;
  });

  test("counts what went out and what came in", async () => {
    const channel = channels.room(freshId());
    const { all } = await listen(bus(), channel, 3);
    const before = bus().stats();
    for (let i = 0; i < 3; i++) bus().publish(channel, Uint8Array.of(i));
    await all;
    await vi.waitFor(() => expect(bus().stats().published).toBe(before.published + 3));
    expect(bus().stats()).toMatchObject({ received: before.received + 3, dropped: 0, connected: true });
  });
}
