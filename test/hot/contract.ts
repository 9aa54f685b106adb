/** Everything that hot state and the bus promise to the domain, run on both twins. */
import { afterAll, beforeAll, describe } from "vitest";
import type { Bus } from "../../src/domain/ports/bus.ts";
import type { HotState } from "../../src/domain/ports/hot.ts";
import { accountContract } from "./contract-accounts.ts";
import { busContract } from "./contract-bus.ts";
import { callContract } from "./contract-calls.ts";
import { roomContract } from "./contract-rooms.ts";
import { signalingQueueContract } from "./contract-signaling-queues.ts";

export interface OpenedHot {
  hot: HotState;
  bus: Bus;
}

export function hotContract(name: string, open: () => OpenedHot | Promise<OpenedHot>): void {
  describe(`hot state in ${name}`, () => {
    let opened: OpenedHot;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      await opened?.bus.close();
      await opened?.hot.close();
    });

    const hot = () => opened.hot;
    accountContract(hot);
    roomContract(hot);
    callContract(hot);
    signalingQueueContract(hot);
    busContract(() => opened.bus);
  });
}
