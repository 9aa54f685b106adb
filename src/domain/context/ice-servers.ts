/** ICE servers for calls: STUN servers tell browsers their public addresses; TURN servers relay between them. */
import { createHmac } from "node:crypto";

export interface IceServers {
  /** `stun:host:port` */
  stun: readonly string[];
  /** `turn:host:port?transport=udp`, with the secret shared with the TURN server; null: none. */
  turn: { urls: readonly string[]; secret: string } | null;
}

export const NO_ICE_SERVERS: IceServers = { stun: [], turn: null };

/** How long credentials are valid: longer than a meeting. */
const VALID_S = 86_400;

/** An ICE server for Talk's clients, of which some read `url` and some `urls`. */
interface IceServer {
  url: string;
  urls: string[];
}

export function stunServers({ stun }: IceServers): IceServer[] {
  return stun.map((url) => ({ url, urls: [url] }));
}

/**
 * TURN servers with temporary credentials, as in coturn's REST API: the username is the time of expiry and a name, the
 * password is its HMAC.
 * @param name the user of the credentials, for the logs of the TURN server
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

/** A server for calls, as WebRTC's `RTCPeerConnection` takes it. */
export interface CallServer {
  urls: string[];
  username?: string;
  credential?: string;
}

/**
 * All servers, for clients that hand them to WebRTC as they are.
 * @param name as in {@link turnServers}
 * @returns `until` is when the credentials end, ms; missing where there are none
 */
export function callServers(
  servers: IceServers,
  name: string,
  now: number,
): { servers: CallServer[]; until?: number } {
  const stun = servers.stun.map((url) => ({ urls: [url] }));
  const turn = turnServers(servers, name, now).map(({ url: _, ...server }) => server);
  const until = (Math.floor(now / 1_000) + VALID_S) * 1_000;
  return { servers: [...stun, ...turn], ...(turn.length > 0 && { until }) };
}
