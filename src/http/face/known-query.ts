/** Refuses unknown query parameters, for our own APIs: a misspelled filter would list everything. */
import type { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { badField } from "../../domain/errors.ts";
import type { HttpApp, HttpEnv } from "./face.ts";

/** The length to which an unknown name is cut in the refusal. */
const MAX_NAME_SHOWN = 64;

/** Refuses query parameters that the route's description does not name. Register it after the authentication. */
export function knownQueryOnly(app: HttpApp): MiddlewareHandler<HttpEnv> {
  let known: Map<string, ReadonlySet<string>> | null = null;
  return async (c, next) => {
    const route = matchedRoutes(c).findLast(({ method }) => method !== "ALL");
    known ??= parametersOf(app);
    const names = route && known.get(`${route.method} ${route.path}`);
    const unknown = names && Object.keys(c.req.query()).find((name) => !names.has(name));
    if (unknown !== undefined)
      throw badField(unknown.slice(0, MAX_NAME_SHOWN), "is not a parameter of this request");
    await next();
  };
}

/** The parameters of each route, by method and path as the router has them. */
function parametersOf(app: HttpApp): Map<string, ReadonlySet<string>> {
  const routes = app.openAPIRegistry.definitions.flatMap((one) => (one.type === "route" ? [one.route] : []));
  return new Map(
    routes.map(({ method, path, request }) => {
      const query = request?.query as z.ZodObject | undefined;
      const name = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
      return [name, new Set(Object.keys(query?.shape ?? {}))];
    }),
  );
}
