/** The WebSocket subprotocols [GW-1.1]: the same objects, written in two ways. Plain data: browsers load this file as it is. */
export const SUBPROTOCOLS = {
  /** Text frames with JSON; also when a client asks for none. */
  json: "causeway.v1.json",
  /** Binary frames with MessagePack. */
  msgpack: "causeway.v1.msgpack",
} as const;

export type CodecName = keyof typeof SUBPROTOCOLS;
