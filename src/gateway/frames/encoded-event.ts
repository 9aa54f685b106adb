/**
 * Events as they go over the wire and the bus. The data of an event stays the text that the store keeps: it is spliced
 * into the JSON frame, and parsed only where it must be written as MessagePack, once per event and gateway.
 */
import type { LoggedEvent } from "../../domain/model.ts";
import { tellsOfMessage } from "../../domain/visibility.ts";
import { encodeMsgpack } from "../../protocol/codec.ts";
import type { EventFrame } from "../../protocol/frames.ts";
import { addFileUrls, type FileUrls, mayHaveFiles } from "./file-urls.ts";

/** [GW-4.1] The JSON frame of an event, always with its keys in this order (see {@link readBusLine}). */
export function eventJson(event: LoggedEvent): string {
  const { room, seq, type, id, actor, at, dataJson } = event;
  const own = id === null ? "" : `,"id":${JSON.stringify(id)}`;
  const by = `{"kind":"${actor.kind}","id":${JSON.stringify(actor.id)},"name":${JSON.stringify(actor.name)}}`;
  return `{"op":"event","room":"${room}","seq":${seq},"type":"${type}"${own},"actor":${by},"at":${at},"data":${dataJson}}`;
}

/** The same event as an object with the URLs of its files, for answers that hold events. */
export function eventFrame(event: LoggedEvent, urls: FileUrls): EventFrame {
  const { room, seq, type, id, actor, at, dataJson } = event;
  const data = JSON.parse(dataJson);
  addFileUrls(data, urls);
  return id === null
    ? { op: "event", room, seq, type, actor, at, data }
    : { op: "event", room, seq, type, id, actor, at, data };
}

/** Events after which subscribers enter or leave the room. */
export const CHANGES_MEMBERSHIP: ReadonlySet<string> = new Set([
  "member.joined",
  "member.left",
  "room.deleted",
]);

/** Those, and the events after which members may have to wait in the lobby, or may be let in. */
export const AFFECTS_ACCESS: ReadonlySet<string> = new Set([
  ...CHANGES_MEMBERSHIP,
  "member.changed",
  "room.changed",
]);

/** A frame with URLs, which hold for a while. */
interface TimedFrames {
  period: number;
  json: string;
  msgpack: Uint8Array | null;
}

/** One event on its way to sessions. MessagePack is made when the first session wants it, and so are URLs of files. */
export class EncodedEvent {
  readonly seq: number;
  readonly type: string;
  /** As on the bus: without URLs. */
  readonly #bare: string | Uint8Array;
  readonly #urls: FileUrls;
  #mayHaveFiles: boolean | null = null;
  #timed: TimedFrames | null = null;
  #msgpack: Uint8Array | null = null;
  #about: number | null = null;
  #hidden: EncodedEvent | null = null;

  /** @param json without URLs */
  constructor(seq: number, type: string, json: string | Uint8Array, urls: FileUrls) {
    this.seq = seq;
    this.type = type;
    this.#bare = json;
    this.#urls = urls;
  }

  static of(event: LoggedEvent, urls: FileUrls, json = eventJson(event)): EncodedEvent {
    return new EncodedEvent(event.seq, event.type, json, urls);
  }

  get json(): string | Uint8Array {
    return this.#withUrls()?.json ?? this.#bare;
  }

  get msgpack(): Uint8Array {
    const timed = this.#withUrls();
    if (timed) {
      timed.msgpack ??= encodeMsgpack(JSON.parse(timed.json));
      return timed.msgpack;
    }
    this.#msgpack ??= encodeMsgpack(this.parsed());
    return this.#msgpack;
  }

  /** Of the frame without URLs, in characters or bytes. */
  get size(): number {
    return this.#bare.length;
  }

  /** Null for an event without files. */
  #withUrls(): TimedFrames | null {
    this.#mayHaveFiles ??= mayHaveFiles(this.type, this.#bare);
    if (!this.#mayHaveFiles) return null;
    const period = this.#urls.period();
    if (this.#timed?.period !== period) {
      const frame = this.parsed();
      addFileUrls(frame.data, this.#urls);
      this.#timed = { period, json: JSON.stringify(frame), msgpack: null };
    }
    return this.#timed;
  }

  /** The earlier message that it tells of; null: none. */
  get about(): number | null {
    if (!tellsOfMessage(this.type)) return null;
    this.#about ??= Number(this.parsed().data.seq);
    return this.#about;
  }

  /** The same event for a member who may not see that message. */
  get hidden(): EncodedEvent {
    if (this.#hidden === null) {
      const data = { seq: this.about, hidden: true };
      const json = JSON.stringify({ ...this.parsed(), data });
      this.#hidden = new EncodedEvent(this.seq, this.type, json, this.#urls);
    }
    return this.#hidden;
  }

  /** When it was committed, ms. */
  get at(): number {
    return this.parsed().at;
  }

  /** As it stands in the log of the room. */
  logged(roomId: number): LoggedEvent {
    const { room, seq, type, id = null, actor, at, data } = this.parsed();
    const dataJson = JSON.stringify(data);
    return { roomId, room, seq, type: type as LoggedEvent["type"], id, actor, at, dataJson };
  }

  /** Without URLs. */
  parsed(): EventFrame {
    const text = typeof this.#bare === "string" ? this.#bare : decoder.decode(this.#bare);
    return JSON.parse(text) as EventFrame;
  }
}

const decoder = new TextDecoder();

// ── The bus ──────────────────────────────────────────────────────────────────────────────────────────
// A message on a room's channel is one or more JSON frames, one a line: JSON text has no line feed of its own. Lines
// other than events (typing, presence, receipt, call) are passed on to sessions as they are.

const LINE_FEED = 10;
/** Longer than the fixed start of an event frame with the largest seq. */
const HEADER_BYTES = 120;
const HEADER = /^\{"op":"event","room":"[^"]*","seq":(\d+),"type":"([^"]*)"/;

export function busLines(message: Uint8Array): Uint8Array[] {
  if (!message.includes(LINE_FEED)) return [message];
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  if (start < bytes.length) lines.push(bytes.subarray(start));
  return lines;
}

const EVENT_START = Buffer.from('{"op":"event","room":"');
const SEQ_START = '","seq":'.length;
const QUOTE = 34;
const ZERO = 48;

/** The seq of the event on a line, or 0. By its seq alone an event is skipped that was delivered before the bus brings it. */
export function busLineSeq(line: Uint8Array): number {
  let at = 0;
  for (; at < EVENT_START.length; at++) if (line[at] !== EVENT_START[at]) return 0;
  while (at < line.length && line[at] !== QUOTE) at++;
  at += SEQ_START;
  let seq = 0;
  for (let digit = 0; at < line.length; at++) {
    digit = (line[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    seq = seq * 10 + digit;
  }
  return seq;
}

/** The event on a line, or null when the line is another frame. */
export function readBusLine(line: Uint8Array, urls: FileUrls): EncodedEvent | null {
  const start = Buffer.from(line.buffer, line.byteOffset, Math.min(line.byteLength, HEADER_BYTES));
  const header = HEADER.exec(start.toString("latin1"));
  return header ? new EncodedEvent(Number(header[1]), header[2] as string, line, urls) : null;
}
