/**
 * The addresses that webhooks may be delivered to. A person who may register webhooks must not make this server send requests
 * to hosts that only the server can reach. So names are resolved and checked too, again at every delivery.
 */
import { type LookupAddress, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { promisify } from "node:util";
import ipaddr from "ipaddr.js";
import { badField } from "../domain/errors.ts";
import type { WebhookTargets } from "../domain/ports/webhooks.ts";

export interface TargetOptions {
  /** Allows every address. */
  allowPrivate: boolean;
}

export interface Targets extends WebhookTargets {
  /** For sockets: resolves a name, and refuses it unless all of its addresses are allowed. */
  readonly lookup: LookupFunction;
  /** Whether a URL's host is allowed, when it is an address. `lookup` checks names. */
  allowsHost(url: URL): boolean;
}

export class ForbiddenAddress extends Error {
  override readonly name = "ForbiddenAddress";
}

const RULE = "must not be a loopback, private or link-local address (see WEBHOOK_ALLOW_PRIVATE)";
const resolveAll = promisify(systemLookup);

export function createTargets({ allowPrivate }: TargetOptions): Targets {
  const allowed = (address: string) => allowPrivate || isPublicAddress(address);

  function allowsHost(url: URL): boolean {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    return !ipaddr.isValid(host) || allowed(host);
  }

  const lookup: LookupFunction = (name, options, done) => {
    systemLookup(name, { ...options, all: true }, (error, found) => {
      const addresses = found as LookupAddress[];
      if (error) return done(error, "");
      const [first] = addresses;
      if (!first || !addresses.every(({ address }) => allowed(address))) {
        return done(new ForbiddenAddress(`The name's address ${RULE}`), "");
      }
      if (options.all) return done(null, addresses);
      done(null, first.address, first.family);
    });
  };

  return {
    lookup,
    allowsHost,
    async check(text) {
      const url = URL.canParse(text) ? new URL(text) : null;
      if (!url || !/^https?:$/.test(url.protocol)) throw badField("url", "must be an http or https URL");
      if (url.username !== "" || url.password !== "") throw badField("url", "must hold no user and password");
      if (!allowsHost(url)) throw badField("url", RULE);
      if (allowPrivate) return;
      const host = url.hostname.replace(/^\[|\]$/g, "");
      // A name that can't be resolved now is accepted, because every delivery checks it again.
      const addresses = await resolveAll(host, { all: true }).catch(() => []);
      if (!addresses.every(({ address }) => isPublicAddress(address))) throw badField("url", RULE);
    },
  };
}

/** Whether the address is of the public internet, also for an IPv4 address inside an IPv6 address. */
export function isPublicAddress(text: string): boolean {
  return ipaddr.isValid(text) && ipaddr.process(text).range() === "unicast";
}
