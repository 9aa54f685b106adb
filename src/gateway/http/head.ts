/** The head of a request: its bounds, the same on both transports, and its headers as the classes of fetch take them. */

/** A request as the socket layer has it. */
export interface RawRequest {
  /** In the case of the wire: methods are case-sensitive. */
  method: string;
  /** Path and query. */
  target: string;
  headers: [name: string, value: string][];
  ip: string;
}

/** Names and values of all headers. A JWT has 1 to 4 KiB. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Path and query. */
const MAX_TARGET_BYTES = 8 * 1024;
/** What a transport reads of a head: more than is taken, so that a head beyond the bounds is refused in our words. */
export const READ_HEAD_BYTES = 32 * 1024;

/** The status (414, 431) and the reason why the head of a request is refused, or null. */
export function headProblem({ target, headers }: RawRequest): [status: number, text: string] | null {
  if (target.length > MAX_TARGET_BYTES)
    return [414, `The path with its query may have ${MAX_TARGET_BYTES} bytes`];
  const bytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return bytes > MAX_HEADER_BYTES ? [431, `Headers may have ${MAX_HEADER_BYTES} bytes together`] : null;
}

/**
 * Headers hold bytes. `Headers` takes each byte as one character, as node:http reads them; uWebSockets.js decodes them as
 * UTF-8, which is undone here: bytes that are none arrive as U+FFFD.
 * @throws TypeError for a name or a value that HTTP does not allow
 */
export function fetchHeaders(list: RawRequest["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of list) headers.append(name, BEYOND_LATIN_1.test(value) ? asBytes(value) : value);
  return headers;
}

const BEYOND_LATIN_1 = /[^\0-\xff]/;

function asBytes(value: string): string {
  return Buffer.from(value, "utf8").toString("latin1");
}
