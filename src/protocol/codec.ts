/**
 * The two ways a frame is written [GW-1.1]: JSON text and MessagePack without extension types or records.
 * Decoders are strict, because strangers write to them.
 */
import { Packr, Unpackr } from "msgpackr";
import { guardMsgpack } from "./msgpack-guard.ts";

/** The bytes are no frame: not well-formed in their codec, or against one of its rules. */
export class MalformedFrame extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MalformedFrame";
  }
}

const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });
// Extension types never get here: the guard refuses them. Integers of 64 bits become numbers, as in JSON.
const unpackr = new Unpackr({ useRecords: false, int64AsType: "number" });
// The byte order mark is no white space of JSON, so it must not be swallowed.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeJson(value: unknown): string {
  return JSON.stringify(value);
}

/** Integers beyond 32 bits are written as float64, which every decoder reads as the same number [GW-1.5]. */
export function encodeMsgpack(value: unknown): Uint8Array {
  return packr.pack(value);
}

/** @throws MalformedFrame for bytes that are no UTF-8 or no JSON */
export function decodeJson(bytes: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof bytes === "string" ? bytes : utf8.decode(bytes));
  } catch (error) {
    const isText = error instanceof SyntaxError;
    throw new MalformedFrame(isText ? "the frame is not JSON" : "the frame is not UTF-8");
  }
}

/** @throws MalformedFrame for anything but exactly one value of MessagePack within the rules [GW-1.6] */
export function decodeMsgpack(bytes: Uint8Array): unknown {
  try {
    guardMsgpack(bytes);
    return unpackr.unpack(bytes);
  } catch (error) {
    const reason = error instanceof TypeError ? "a text is not UTF-8" : (error as Error).message;
    throw new MalformedFrame(`the frame is not MessagePack as agreed: ${reason}`);
  }
}
