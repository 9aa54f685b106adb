/** The WebSocket subprotocols [GW-1.1]: the same objects, written in two ways. Plain data: browsers load this file as it is. */

/** Text frames with JSON; also when a client asks for none. */
export const JSON_SUBPROTOCOL = "causeway.v1.json";
/** Binary frames with MessagePack. */
export const MSGPACK_SUBPROTOCOL = "causeway.v1.msgpack";

export const SUBPROTOCOLS = { json: JSON_SUBPROTOCOL, msgpack: MSGPACK_SUBPROTOCOL } as const;

export type CodecName = keyof typeof SUBPROTOCOLS;
