/** Which connection listens to which channel: one for all, or in a cluster with sharded channels one per node. */
import type { Cluster } from "ioredis";
import { groupedBy } from "../../lists.ts";
import type { Lane } from "./subscriber-connection.ts";

export interface Routes {
  add(channels: string[]): Promise<void>;
  remove(channels: string[]): Promise<void>;
  ready(): boolean;
  probe(): void;
  close(): void;
}

export interface ClusterRoutesOptions {
  cluster: Cluster;
  /** Each channel at the node that has its slot; else all at any one node. */
  sharded: boolean;
  slotOf: (channel: string) => number;
  /** `onLost` is the lane's. */
  open: (node: { host: string; port: number }, onLost: () => void) => Lane;
  /** Channels moved to another node: messages may have been lost on the way. */
  onMoved: () => void;
}

/** Follows the cluster: when slots or nodes move, their channels move too. */
export function createClusterRoutes(options: ClusterRoutesOptions): Routes {
  const { cluster, sharded, slotOf, open, onMoved } = options;
  const lanes = new Map<string, Lane>();
  /** Where each channel is subscribed; "" while no node is known to have its slot. */
  const homes = new Map<string, string>();
  let home = "";
  let closed = false;

  const masters = () => cluster.nodes("master").map(({ options: { host, port } }) => `${host}:${port}`);
  const nodeOf = (channel: string) => (sharded ? (cluster.slots[slotOf(channel)]?.[0] ?? "") : home);

  function chooseHome(avoided?: string): void {
    const nodes = masters();
    if (home !== avoided && nodes.includes(home)) return;
    const others = nodes.filter((node) => node !== avoided);
    home = others[Math.floor(Math.random() * others.length)] ?? home;
  }

  function lost(node: string): void {
    if (closed) return;
    if (!sharded) chooseHome(node);
    // The cluster knows best what became of the node's slots; "refresh" follows.
    cluster.refreshSlotsCache();
  }

  function laneAt(node: string): Lane {
    const known = lanes.get(node);
    if (known) return known;
    const colon = node.lastIndexOf(":");
    const lane = open({ host: node.slice(0, colon), port: Number(node.slice(colon + 1)) }, () => lost(node));
    lanes.set(node, lane);
    return lane;
  }

  async function settle(channels: Iterable<string>): Promise<void> {
    const byNode = groupedBy(channels, nodeOf);
    const added = [...byNode].map(async ([node, names]) => {
      for (const name of names) homes.set(name, node);
      if (node !== "") await laneAt(node).add(names);
    });
    await Promise.all(added);
  }

  async function leave(channels: Iterable<string>): Promise<void> {
    const byNode = groupedBy(channels, (channel) => homes.get(channel) ?? "");
    await Promise.all([...byNode].map(([node, names]) => lanes.get(node)?.remove(names)));
  }

  async function follow(): Promise<void> {
    if (!sharded) chooseHome();
    const moved = [...homes]
      .filter(([channel, node]) => nodeOf(channel) !== node)
      .map(([channel]) => channel);
    if (moved.length > 0) {
      void leave(moved);
      await settle(moved);
      onMoved();
    }
    const used = new Set([...homes.values(), ...masters()]);
    for (const [node, lane] of lanes) {
      if (used.has(node)) continue;
      lane.close();
      lanes.delete(node);
    }
  }

  cluster.on("refresh", follow);
  chooseHome();
  return {
    add: settle,
    async remove(channels) {
      const left = leave(channels);
      for (const channel of channels) homes.delete(channel);
      await left;
    },
    ready: () => [...lanes.values()].every((lane) => lane.ready()),
    probe() {
      for (const lane of lanes.values()) lane.probe();
    },
    close() {
      closed = true;
      cluster.off("refresh", follow);
      for (const lane of lanes.values()) lane.close();
    },
  };
}

/** Routes that can be opened only when Redis has been reached: until then channels are remembered. */
export function createLateRoutes(opening: Promise<Routes>, onGap: () => void): Routes {
  const wanted = new Set<string>();
  let routes: Routes | null = null;
  let closed = false;

  async function opened(found: Routes): Promise<void> {
    if (closed) return found.close();
    routes = found;
    await found.add([...wanted]);
    onGap();
  }
  opening.then(opened, () => undefined); // It was told why Redis can't be used.

  return {
    async add(channels) {
      for (const channel of channels) wanted.add(channel);
      await routes?.add(channels);
    },
    async remove(channels) {
      for (const channel of channels) wanted.delete(channel);
      await routes?.remove(channels);
    },
    ready: () => routes?.ready() ?? false,
    probe: () => routes?.probe(),
    close() {
      closed = true;
      routes?.close();
    },
  };
}
