/** What the worker does by the clock, with a homeserver that says no. */
import { expect, test, vi } from "vitest";
import { createGhostAccounts } from "../../../bridge/homeserver/ghost-accounts.ts";
import type { Homeserver } from "../../../bridge/homeserver/homeserver.ts";
import { HomeserverError } from "../../../bridge/homeserver/homeserver-error.ts";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";
import { createGhostProfiles } from "../../../bridge/profile/ghost-profiles.ts";
import { startPeriodicJobs } from "../../../bridge/worker/periodic-jobs.ts";
import { until } from "../world.ts";

test("an account that can't be renamed now holds up no others, and one that never can is dealt with", async () => {
  const changed = new Map([
    [1, { userId: 1, displayName: "Ada", avatarId: null }],
    [2, { userId: 2, displayName: "Ben", avatarId: null }],
  ]);
  const request = vi.fn(async (_method: string, path: string) => {
    // Ada's answer may be a proxy's; Ben's is the homeserver's own, as where accounts are another service's affair.
    const isAda = path.includes(encodeURIComponent("@cw_1:"));
    const answer = isAda
      ? { status: 404, errcode: "M_UNRECOGNIZED" }
      : { status: 403, errcode: "M_FORBIDDEN" };
    throw new HomeserverError("no", answer);
  });
  const homeserver = { request } as unknown as Homeserver;
  const ghosts = createGhosts({ prefix: "cw_", senderLocalpart: "cw", serverName: "x.test" });
  const store = {
    ghost: async () => null,
    putGhost: async (member: string) => void changed.delete(Number(member.slice(2))),
  };
  const accounts = createGhostAccounts(homeserver, ghosts, store);
  const pictures = { address: async () => null };
  const nothing = async () => {};
  const rounds = startPeriodicJobs({
    node: "worker",
    store: {
      ...{ heartbeat: nothing, recordChangedRooms: nothing, purgeInbox: nothing, purgeInvitations: nothing },
      ...{ retryNow: nothing, retryTasks: nothing },
      dueRooms: async () => [],
      roomsToSyncMembers: async () => [],
      backlog: async () => ({ outbox: 0, lagMs: 0, inbox: 0, waiting: 0, deadLetters: 0 }),
      changedGhosts: async () => [...changed.values()],
    },
    queue: { wake() {}, size: 0, stop: nothing },
    connected: () => true,
    updateProfile: createGhostProfiles({ accounts, ghosts, store, pictures }),
    runAccountTasks: nothing,
    carryFiles: async () => {},
    answerInvitations: async () => {},
    syncSpaces: async () => {},
    scanMs: 10,
    logger: { warn() {} },
  });
  await until("Ben is dealt with", async () => !changed.has(2));
  await until("Ada is tried again", async () => request.mock.calls.length > 2);
  await rounds.stop();
  expect([...changed.keys()]).toEqual([1]);
});
