/** Servers that help two browsers find a way to each other: STUN tells them their addresses, TURN relays between them. */
import { createHmac } from "node:crypto";

export interface IceServers {
  /** `stun:host:port` */
  stun: readonly string[];
  /** `turn:host:port?transport=udp`, with the secret that the TURN server knows; null: none. */
  turn: { urls: readonly string[]; secret: string } | null;
}

export const NO_ICE_SERVERS: IceServers = { stun: [], turn: null };

/** How long credentials work: as long as a long meeting. */
const VALID_S = 86_400;

/** As clients of Talk read them: some take `url`, some `urls`. */
interface IceServer {
  url: string;
  urls: string[];
}

export function stunServers({ stun }: IceServers): IceServer[] {
  return stun.map((url) => ({ url, urls: [url] }));
}

/**
 * With credentials that end by themselves, as coturn's REST API has them: the user is the time of the end and a name, the
 * password is their HMAC.
 * @param name of whom the credentials are; it only tells the operator of the TURN server
 */
export function turnServers(
  { turn }: IceServers,
  name: string,
  now: number,
): (IceServer & { username: string; credential: string })[] {
  if (!turn) return [];
  const username = `${Math.floor(now / 1_000) + VALID_S}:${name}`;
  const credential = createHmac("sha1", turn.secret).update(username).digest("base64");
  return turn.urls.map((url) => ({ url, urls: [url], username, credential }));
}
