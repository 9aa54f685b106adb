/** Which transport serves: the one that is asked for, else uWebSockets.js where its addon loads. */
import type { Logger } from "../../logger.ts";
import type { Transport, TransportOptions } from "./transport.ts";
import { openUwsTransport, uwsFailure } from "./transport-uws.ts";
import { openWsTransport } from "./transport-ws.ts";

/** @throws Error when the port is taken, or when the transport that was asked for can't serve */
export async function openTransport(
  wanted: Transport["name"] | undefined,
  options: TransportOptions,
  logger: Pick<Logger, "warn">,
): Promise<Transport> {
  if (wanted === "ws") return openWsTransport(options);
  const failure = await uwsFailure();
  if (!failure) return openUwsTransport(options);
  if (wanted === "uws")
    throw new Error("uWebSockets.js does not load here; use TRANSPORT=ws", { cause: failure });
  logger.warn(
    { event: "transport.fell_back", err: failure },
    "could not load uWebSockets.js (it needs glibc); ws serves sockets, which takes more CPU",
  );
  return openWsTransport(options);
}
