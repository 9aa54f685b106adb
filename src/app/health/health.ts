/** `/readyz`: asks each part whether it works. The process is ready while its users can chat. */
import type { HotState } from "../../domain/ports/hot.ts";
import type { Store } from "../../domain/ports/store/store.ts";
import type { Health } from "../../http/face/operations.ts";

type PartHealth = Health["parts"][string];
export type Probe = () => Promise<PartHealth>;

const MAX_PROBE_MS = 3_000;
/** Chat works without these. While one is away the process stays ready, and the answer names it as degraded. */
const OPTIONAL_PARTS: ReadonlySet<string> = new Set(["hot", "oidc"]);

/** @param others probes of further parts */
export function createHealth(
  store: Pick<Store, "ping" | "health">,
  hot: Pick<HotState, "ping">,
  others: Record<string, Probe>,
): () => Promise<Health> {
  const probes: Record<string, Probe> = {
    store: async () => {
      const { state, detail } = store.health.condition;
      if (state !== "ok") return { ok: false, detail: `${state}: ${detail}` };
      return await store.ping().then(well);
    },
    hot: () => hot.ping().then(well),
    ...others,
  };
  return async () => {
    const named = Object.entries(probes).map(
      async ([name, probe]) => [name, await stateOf(name, probe)] as const,
    );
    const parts = Object.fromEntries(await Promise.all(named));
    return { ok: Object.values(parts).every(({ ok, degraded }) => ok || degraded === true), parts };
  };
}

async function stateOf(name: string, probe: Probe): Promise<PartHealth> {
  const state = await inTime(probe);
  return state.ok || !OPTIONAL_PARTS.has(name) ? state : { ...state, degraded: true };
}

function well(): PartHealth {
  return { ok: true };
}

async function inTime(probe: Probe): Promise<PartHealth> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<PartHealth>((resolve) => {
    timer = setTimeout(
      () => resolve({ ok: false, detail: `no answer within ${MAX_PROBE_MS} ms` }),
      MAX_PROBE_MS,
    );
  });
  try {
    return await Promise.race([probe(), late]);
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
