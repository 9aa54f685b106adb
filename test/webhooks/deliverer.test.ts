/** When a delivery that failed is tried again. */
import { afterEach, expect, test, vi } from "vitest";
import { createDeliverer } from "../../src/webhooks/deliverer.ts";
import { createHttpSender } from "../../src/webhooks/http-sender.ts";
import { createTargets } from "../../src/webhooks/targets.ts";
import { describeDomain } from "../domain/world.ts";
import { startReceiver } from "./receiver.ts";

const targets = createTargets({ allowPrivate: true });
const [FIRST, SECOND] = ["a".repeat(16), "b".repeat(16)];
/** The longest and the shortest pause after each failure in a row, in milliseconds: chance takes up to a quarter away. */
const LONGEST = [1_000, 2_000, 4_000, 8_000, 16_000, 28_000, 28_000];
const SHORTEST = [750, 1_500, 3_000, 6_000, 12_000, 21_000, 21_000];

describeDomain("deliveries of webhooks", (world) => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** A webhook with two deliveries that wait, one behind the other, for a receiver that refuses both. */
  async function setting() {
    const { webhooks } = world.store;
    const receiver = await startReceiver();
    receiver.answer = () => 503;
    ends.push(() => receiver.close());
    const organization = await world.organization();
    const { webhook } = await world.another({ webhookTargets: targets }).webhooks.create({
      organizationId: organization.id,
      url: receiver.url,
      events: null,
      secret: "a secret of 16+ letters",
    });
    ends.push(() => webhooks.delete(webhook.id));
    const ada = await world.person("Ada", organization);
    const room = await world.group([ada]);
    const [log] = await webhooks.unread(room.id, 1);
    const deliveries = [FIRST, SECOND].map((id) => {
      const type = "group.created";
      return { eventId: id, type, body: JSON.stringify({ id, type, payload: {} }), about: null } as const;
    });
    await webhooks.advance(log!, { to: log!.events[0]!.seq, done: false, deliveries });
    return receiver;
  }

  /** Delivers from the store to the receiver until it refuses. @returns the pause after which the lane is due again */
  async function attempt(): Promise<number | null> {
    const { webhooks } = world.store;
    const sender = createHttpSender({ targets, timeoutMs: 10_000 });
    let released = (_afterMs: number | null) => {};
    const pause = new Promise<number | null>((resolve) => {
      released = resolve;
    });
    const release: typeof webhooks.release = async (lane, afterMs) => {
      // Due at once: the test does not wait for the pause.
      await webhooks.release(lane, afterMs === null ? null : 0);
      released(afterMs);
    };
    const deliverer = createDeliverer({
      ...{ store: { webhooks: { ...webhooks, release } }, payloads: { bodyOf: async ({ body }) => body } },
      ...{ send: sender.send, logger: { info: () => {}, warn: () => {} }, counted: () => {} },
    });
    await deliverer.fill();
    const afterMs = await pause;
    await deliverer.stop();
    sender.close();
    return afterMs;
  }

  test.each([
    ["the longest", 0, LONGEST],
    ["the shortest", 1, SHORTEST],
  ])(
    "wait longer after each failure in a row, and a second again after a success: %s pauses",
    async (_, chance, expected) => {
      vi.spyOn(Math, "random").mockReturnValue(chance);
      const receiver = await setting();
      const pauses: (number | null)[] = [];
      while (pauses.length < expected.length) pauses.push(await attempt());
      expect(pauses).toEqual(expected);
      expect(receiver.received.map(({ id }) => id)).toEqual(pauses.map(() => FIRST));
      receiver.answer = ({ id }) => (id === FIRST ? 200 : 503);
      expect(await attempt()).toBe(expected[0]);
      receiver.answer = () => 200;
      expect(await attempt()).toBeNull();
      expect(receiver.taken().map(({ id }) => id)).toEqual([FIRST, SECOND]);
    },
  );
});
