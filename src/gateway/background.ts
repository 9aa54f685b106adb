/** The work of a gateway that no session and no request asks for, from when its transport is open until it stops. */
import { startHeadProbe } from "./delivery/head-probe.ts";
import type { GatewayOptions } from "./gateway-options.ts";
import type { GatewayParts } from "./parts.ts";
import { watchAccounts } from "./sessions/account-watch.ts";
import { startDecay } from "./sessions/decay.ts";

/** What the gateway does when its store tells it something. */
export interface StoreListeners {
  /** [GW-10.6] The database is away. */
  away(): void;
  /** [GW-7.7] The log is another one than the one that was delivered. */
  historyChanged(): void;
}

/** @returns how to stop it */
export function startBackground(
  { store, bus, useCases, commits, logger, compareMs: everyMs }: GatewayOptions,
  { hub, users, memberships, shape }: GatewayParts,
  listeners: StoreListeners,
): () => Promise<void> {
  const stopDecay = startDecay(useCases.decay, logger);
  const probe = startHeadProbe({ hub, log: store.log, history: store.history, bus, logger, everyMs });
  const accounts = watchAccounts({ store, users, memberships, shape, logger, everyMs });
  bus.onGap(() => probe.all());
  commits.deliverWith((commit) => hub.committed(commit));
  const stops = [
    store.history.hold(() => [...hub.rooms()].map(({ place }) => place)),
    store.history.onChange(() => listeners.historyChanged()),
    store.health.onAway(() => listeners.away()),
    () => accounts.stop(),
    () => probe.stop(),
  ];
  return async () => {
    for (const stop of stops) stop();
    await stopDecay();
  };
}
