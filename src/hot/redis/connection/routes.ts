/** Maps channels to connections: one for all, or one per node in a cluster with sharded channels. */
import type { Cluster } from "ioredis";
import { groupedBy } from "../../lists.ts";
import type { SubscriberConnection } from "./subscriber-connection.ts";

export interface Routes {
  add(channels: string[]): Promise<void>;
  remove(channels: string[]): Promise<void>;
  ready(): boolean;
  probe(): void;
  close(): void;
}

export interface ClusterRoutesOptions {
  cluster: Cluster;
  /** True: each channel at the node of its slot. False: all channels at one node. */
  sharded: boolean;
  slotOf: (channel: string) => number;
  /** Opens a connection to a node. @param onLost called when it is lost */
  open: (node: { host: string; port: number }, onLost: () => void) => SubscriberConnection;
  /** Channels moved to another node, and messages may have been lost. */
  onMoved: () => void;
}

/** Routes that follow the cluster: when a slot moves to another node, its channels move too. */
export function createClusterRoutes(options: ClusterRoutesOptions): Routes {
  const { cluster, sharded, slotOf, open, onMoved } = options;
  const connections = new Map<string, SubscriberConnection>();
  /** The node of each channel; "" while no node of its slot is known. */
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
    // The cluster is asked which nodes have the slots now; "refresh" follows.
    cluster.refreshSlotsCache();
  }

  function connectionAt(node: string): SubscriberConnection {
    const known = connections.get(node);
    if (known) return known;
    const colon = node.lastIndexOf(":");
    const connection = open({ host: node.slice(0, colon), port: Number(node.slice(colon + 1)) }, () =>
      lost(node),
    );
    connections.set(node, connection);
    return connection;
  }

  async function settle(channels: Iterable<string>): Promise<void> {
    const byNode = groupedBy(channels, nodeOf);
    const added = [...byNode].map(async ([node, names]) => {
      for (const name of names) homes.set(name, node);
      if (node !== "") await connectionAt(node).add(names);
    });
    await Promise.all(added);
  }

  async function leave(channels: Iterable<string>): Promise<void> {
    const byNode = groupedBy(channels, (channel) => homes.get(channel) ?? "");
    await Promise.all([...byNode].map(([node, names]) => connections.get(node)?.remove(names)));
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
    for (const [node, connection] of connections) {
      if (used.has(node)) continue;
      connection.close();
      connections.delete(node);
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
    ready: () => [...connections.values()].every((connection) => connection.ready()),
    probe() {
      for (const connection of connections.values()) connection.probe();
    },
    close() {
      closed = true;
      cluster.off("refresh", follow);
      for (const connection of connections.values()) connection.close();
    },
  };
}

/** Routes that open when Redis is reached for the first time. Until then they remember the channels. */
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
  opening.then(opened, () => undefined); // The reason is in the log.

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
