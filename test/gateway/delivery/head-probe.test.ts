/** The head probe: looks may overlap, and only a log that is another counts as one. */
import { expect, test, vi } from "vitest";
import type { LogPlace, PlaceInLog } from "../../../src/domain/ports/store/log.ts";
import { FollowedRoom } from "../../../src/gateway/delivery/followed-room.ts";
import { startHeadProbe } from "../../../src/gateway/delivery/head-probe.ts";
import type { Hub } from "../../../src/gateway/delivery/hub.ts";

/** The event at `seq` was written at this time. */
const timeOf = (seq: number) => 1_000 * seq;

test("two looks at once, with a message in between, lose nothing", async () => {
  const room = new FollowedRoom(1, "room", {
    head: { seq: 5, at: timeOf(5) },
    lobbyMayBeShut: false,
    history: "joined",
  });
  const hub = { size: 1, rooms: () => [room], noteHead: vi.fn(), listen: vi.fn() } as unknown as Hub;
  const answers: (() => void)[] = [];
  const log = {
    places: (wanted: readonly Pick<LogPlace, "roomId" | "seq">[]) =>
      new Promise<PlaceInLog[]>((resolve) => {
        const found = wanted.map((each) => ({ ...each, head: 6, at: timeOf(each.seq) }));
        answers.push(() => resolve(found));
      }),
  };
  const history = { epoch: "one", lost: vi.fn(async () => {}) };
  const bus = { stats: () => ({ published: 0, dropped: 0, received: 0, connected: true }) };
  const probe = startHeadProbe({ hub, log, history, bus, logger: { warn: vi.fn() } });
  room.delivered = 6;
  room.last = { seq: 6, at: timeOf(6) } as FollowedRoom["last"];
  probe.all();
  probe.all();
  for (const answer of answers) answer();
  await vi.waitFor(() => expect(hub.noteHead).toHaveBeenCalledTimes(2));
  probe.stop();

  expect(history.lost).not.toHaveBeenCalled();
});
