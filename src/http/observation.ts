/** Observes every request: its duration by route and status, and a line in the log. */
import { Histogram, type Registry } from "prom-client";
import type { Logger } from "../logger.ts";
import type { HttpHandler, Seen } from "./face/face.ts";

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Wraps `handler`, and records its answers in `causeway_http_request_seconds`. */
export function observed(
  handler: HttpHandler,
  registry: Registry,
  logger: Pick<Logger, "debug">,
): HttpHandler {
  const seconds = new Histogram({
    name: "causeway_http_request_seconds",
    help: "From a request's body to its answer; long polls wait on purpose",
    labelNames: ["api", "method", "route", "status"],
    buckets: [0.005, 0.025, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  return async (request, info) => {
    const since = performance.now();
    const seen: Seen = { api: "none", route: "none" };
    const response = await handler(request, { ...info, seen });
    const took = performance.now() - since;
    const method = METHODS.has(request.method) ? request.method : "other";
    seconds.observe({ ...seen, method, status: response.status }, took / 1_000);
    const facts = {
      ...seen,
      method,
      status: response.status,
      ms: Math.round(took),
      requestId: info.requestId,
    };
    logger.debug({ event: "http.answered", ...facts }, "a request was answered");
    return response;
  };
}
