/** [GW-1.1] Which subprotocol a handshake gets. */
import { type CodecName, SUBPROTOCOLS } from "../../protocol/subprotocols.ts";

const CODECS = Object.keys(SUBPROTOCOLS) as CodecName[];

export interface Choice {
  codec: CodecName;
  /** What the handshake's answer names, or null: the client asked for nothing. */
  name: string | null;
}

/** @returns null when the client asked for other subprotocols only; {@link REFUSAL} tells it so */
export function chooseSubprotocol(header: string | undefined): Choice | null {
  const asked = (header ?? "").split(",").map((name) => name.trim());
  if (asked.length === 1 && asked[0] === "") return { codec: "json", name: null };
  for (const name of asked) {
    const codec = CODECS.find((each) => SUBPROTOCOLS[each] === name);
    if (codec) return { codec, name };
  }
  return null;
}

/** Body of the 400 that refuses a handshake. */
export const REFUSAL = `This server speaks the WebSocket subprotocols ${Object.values(SUBPROTOCOLS).join(" and ")}.\n`;
