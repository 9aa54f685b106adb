/** A Redis Cluster of three masters on loopback. */
import { Redis } from "ioredis";
import { vi } from "vitest";
import { type RedisService, startRedis } from "../../load/services/redis.ts";

export interface RedisCluster {
  /** `redis+cluster://…` with all nodes. */
  url: string;
  /** Redis 7 and later. */
  hasShardedChannels: boolean;
  nodes: ClusterNode[];
  /** The first node has the first so many slots, and so on. */
  slotsPerNode: number;
  stop(): Promise<void>;
}
export interface ClusterNode {
  server: RedisService;
  /** Straight to this node. */
  admin: Redis;
  address: string;
}

const NODES = 3;
const SLOTS = 16_384;
const SLOTS_PER_NODE = Math.ceil(SLOTS / NODES);
/** The cluster's own port lies 10,000 higher, which a port that the system chose may not allow. */
const TRIES = 20;

export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: ClusterNode[] = [];
  const stop = async () => {
    for (const { admin } of nodes) admin.disconnect();
    await Promise.all(nodes.map(({ server }) => server.stop()));
  };
  try {
    for (let i = 0; i < NODES; i++) nodes.push(await startNode());
    await joinNodes(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis+cluster://${nodes.map(({ address }) => address).join(",")}`,
    hasShardedChannels: Number.parseInt(nodes[0]?.server.version ?? "0", 10) >= 7,
    nodes,
    slotsPerNode: SLOTS_PER_NODE,
    stop,
  };
}

/** Resolves when every node says that the cluster is whole. */
export async function untilWhole(nodes: ClusterNode[]): Promise<void> {
  const requireWhole = async ({ admin }: ClusterNode) => {
    const info = String(await admin.cluster("INFO"));
    const whole = info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${NODES}`);
    if (!whole) throw new Error(`the cluster is not whole: ${info}`);
  };
  await vi.waitFor(() => Promise.all(nodes.map(requireWhole)), { timeout: 30_000 });
}

async function startNode(): Promise<ClusterNode> {
  const settings = { enabled: "yes", "node-timeout": "2000", "require-full-coverage": "no" };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--cluster-${name}`, value]);
  for (let left = TRIES; ; left--) {
    const server = await startRedis({ args }).catch((error: Error) => error);
    if (server instanceof Error) {
      if (left > 1) continue;
      throw server;
    }
    const admin = new Redis(server.url);
    admin.on("error", () => undefined);
    return { server, admin, address: new URL(server.url).host };
  }
}

async function joinNodes(nodes: ClusterNode[]): Promise<void> {
  const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
  for (const [i, { admin }] of nodes.entries()) {
    await admin.cluster("ADDSLOTS", ...slots.slice(i * SLOTS_PER_NODE, (i + 1) * SLOTS_PER_NODE));
    // Nodes with equal epochs dispute over changes later.
    await admin.cluster("SET-CONFIG-EPOCH", i + 1);
  }
  const [first, ...others] = nodes;
  for (const { address } of others) {
    const [host = "", port = 0] = address.split(":");
    await first?.admin.cluster("MEET", host, port);
  }
  await untilWhole(nodes);
}
