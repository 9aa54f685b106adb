/** How busy a process of the generator is: a generator that can't keep up must not pass its own delay off as the server's. */
import { monitorEventLoopDelay, performance } from "node:perf_hooks";

export interface OwnLoad {
  /** Share of one core. */
  cpu: number;
  /** Share of time in which the event loop had work or waited for a core. */
  utilization: number;
  /** How late the event loop came to its timers, ms. */
  lagP99: number;
  lagMax: number;
}

const RESOLUTION_MS = 5;

export interface OwnLoadWatch {
  /** Starts a new window. */
  reset(): void;
  /** The load since the last reset. */
  read(): OwnLoad;
}

export function watchOwnLoad(): OwnLoadWatch {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let since = performance.now();
  let cpu = process.cpuUsage();
  let utilization = performance.eventLoopUtilization();
  // The histogram holds the whole time between two firings of its timer.
  const lag = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  return {
    reset: () => {
      delay.reset();
      since = performance.now();
      cpu = process.cpuUsage();
      utilization = performance.eventLoopUtilization();
    },
    read: () => {
      const used = process.cpuUsage(cpu);
      return {
        cpu: (used.user + used.system) / 1000 / (performance.now() - since),
        utilization: performance.eventLoopUtilization(utilization).utilization,
        lagP99: lag(delay.percentile(99)),
        lagMax: lag(delay.max),
      };
    },
  };
}
