/** Requests of the sign-in: what they ask, and what becomes of answers that are lost. */
import { Refused } from "../failures.ts";

/** The part of `fetch` that is used. */
export type Fetch = (
  url: string,
  request: { method: "POST"; headers: Record<string, string>; body: string; credentials: "omit" },
) => Promise<{ ok: boolean; status: number; json(): Promise<unknown> }>;

export interface Grant {
  user: string;
  access_token: string;
  /** s. */
  expires_in: number;
  refresh_token?: string;
}
export type Answer = { grant: Grant; refused?: never } | { grant?: never; refused: Refused };

/** An answer that takes longer counts as lost. */
const MAX_ANSWER_MS = 4_000;
/** Within this time the server takes a refresh token a second time, from who did not hear its answer. */
const AGAIN_WITHIN_MS = 10_000;
const AGAIN_AFTER_MS = 500;

export class Requests {
  readonly #base: string;
  readonly #fetch: Fetch;

  constructor(url: string, fetch: Fetch | undefined) {
    this.#base = url.replace(/^ws/, "http").replace(/\/(ws\/?)?$/, "");
    this.#fetch = fetch ?? ((...request) => (globalThis as unknown as { fetch: Fetch }).fetch(...request));
  }

  get socketUrl(): string {
    return `${this.#base.replace(/^http/, "ws")}/ws`;
  }

  /** Rejects where there is no answer. @param token an access token that goes along */
  async post(path: string, body: object, token?: string): Promise<Answer> {
    const answer = await inTime(
      this.#fetch(this.#base + path, {
        method: "POST",
        headers: {
          Accept: "application/json",
          "Content-Type": "application/json",
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
        // The cookies of a browser belong to whoever signed in last with any page of the server.
        credentials: "omit",
      }),
    );
    const said: unknown = await inTime(answer.json()).catch(() => null);
    if (answer.ok) return { grant: said as Grant };
    const { label, message } = (said ?? {}) as { label?: unknown; message?: unknown };
    const isPassing = answer.status >= 500 || answer.status === 429;
    const code = typeof label === "string" ? label : String(answer.status);
    const text = typeof message === "string" ? message : `The server answered ${answer.status}`;
    return { refused: new Refused(code, text, { retry: isPassing }) };
  }

  /**
   * Renews a login. A lost answer is asked for again within 10 s: the server then gives the same one. Rejects with the last
   * failure where there is none by then.
   */
  async renew(refreshToken: string): Promise<Answer> {
    const startedAt = Date.now();
    for (let waitMs = AGAIN_AFTER_MS; ; waitMs *= 2) {
      try {
        return await this.post("/access", { refresh_token: refreshToken });
      } catch (error) {
        if (Date.now() + waitMs - startedAt > AGAIN_WITHIN_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("The server did not answer in time")), MAX_ANSWER_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
