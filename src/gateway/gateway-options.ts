/** What a gateway is made of, and how it is set. */
import type { Registry } from "prom-client";
import type { IceServers } from "../domain/context/ice-servers.ts";
import type { Subscriptions } from "../domain/ports/bus.ts";
import type { HotState } from "../domain/ports/hot.ts";
import type { MatrixAccounts } from "../domain/ports/matrix.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { UseCases } from "../domain/use-cases/use-cases.ts";
import type { Logger } from "../logger.ts";
import type { CommitPublisher } from "./frames/commit-publisher.ts";
import type { ClientAddress } from "./http/door.ts";
import type { HttpHandler } from "./http/exchange.ts";
import type { Endpoints } from "./transport/endpoint.ts";
import type { Transport } from "./transport/transport.ts";

export interface GatewayOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Unset: uws where its addon loads, else ws. */
  transport?: Transport["name"] | undefined;
  store: Store;
  hot: HotState;
  bus: Subscriptions;
  commits: Pick<CommitPublisher, "deliverWith">;
  useCases: UseCases;
  /** Answers everything that is not a WebSocket on /ws or on an endpoint's path. */
  http: HttpHandler;
  /** Where clients reach this server; called for each user and entry of a room that is shown. */
  publicUrl: () => string;
  /** The ids of users in Matrix; null, and unset, without a homeserver. Called for each user that is shown. */
  matrixIdOf?: (userId: number) => string | null;
  /** Matrix credentials for users; unset without a homeserver. */
  matrixAccounts?: MatrixAccounts | null;
  /** STUN and TURN servers for calls; none unless told. */
  iceServers?: IceServers;
  clientAddress?: ClientAddress;
  /** WebSockets of other APIs; none unless told. */
  endpoints?: Endpoints;
  /** Names this process to the others. */
  node: string;
  /** How often a client must say something, ms. */
  heartbeatMs: number;
  /** How long `drain` may take, ms: it paces its goodbyes, and waits for the answers to requests under way. */
  drainMs: number;
  /** How often heads of rooms, accounts and the rooms of readers are compared with the store, ms; unset: every few seconds. */
  compareMs?: number | undefined;
  rateLimits: boolean;
  registry: Registry;
  logger: Logger;
}
