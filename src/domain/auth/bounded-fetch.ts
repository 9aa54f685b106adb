/** Fetches what outside issuers answer, and never more than a bound: they must not be able to fill this server's memory. */

/** @returns `fetch` that rejects when the answer has more bytes */
export function boundedFetch(maxBytes: number): (url: string, options?: RequestInit) => Promise<Response> {
  return async (url, options) => {
    const answer = await fetch(url, options);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Error(`The answer has more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    const { status, headers } = answer;
    return new Response(chunks.length === 0 ? null : Buffer.concat(chunks), { status, headers });
  };
}
