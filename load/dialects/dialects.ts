import { causeway } from "./causeway.ts";
import { centrifugo } from "./centrifugo.ts";
import type { Dialect } from "./dialect.ts";
import { socketIo } from "./socket-io.ts";

/** By name, so that workers can be told which one to speak. */
export const DIALECTS = { causeway, "socket-io": socketIo, centrifugo } as const satisfies Record<
  string,
  Dialect
>;

export type DialectName = keyof typeof DIALECTS;
