/** As much of a browser as signing in needs: cookies by origin and path, and redirects one by one. */

interface Cookie {
  value: string;
  path: string;
  attributes: string[];
}

export interface Page {
  url: URL;
  status: number;
  text: string;
  /** Where it redirects to. */
  next: URL | null;
}

export class Browser {
  /** By origin (cookies ignore ports, but these servers are on one host). */
  readonly cookies = new Map<string, Map<string, Cookie>>();

  /** One request, without following. */
  async get(address: string | URL, init: RequestInit = {}): Promise<Page> {
    const url = new URL(address);
    const jar = this.#jar(url);
    const cookie = [...jar]
      .filter(([, { path }]) => url.pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
    const headers = { ...(init.headers as Record<string, string>), ...(cookie !== "" && { cookie }) };
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const text of answer.headers.getSetCookie()) keep(jar, text);
    const location = answer.headers.get("location");
    return {
      ...{ url, status: answer.status, text: await answer.text() },
      next: location === null ? null : new URL(location, url),
    };
  }

  /** Follows redirects until `stop` says so of the next address, which is not fetched any more. */
  async follow(address: string | URL, stop: (url: URL) => boolean): Promise<URL> {
    let next: URL | null = new URL(address);
    for (let hops = 0; next && hops < 15; hops++) {
      if (stop(next)) return next;
      const page: Page = await this.get(next);
      if (!page.next) throw new Error(`${page.url} answered ${page.status} ${page.text}`);
      next = page.next;
    }
    throw new Error("too many redirects");
  }

  #jar({ origin }: URL): Map<string, Cookie> {
    const jar = this.cookies.get(origin) ?? new Map<string, Cookie>();
    this.cookies.set(origin, jar);
    return jar;
  }
}

function keep(jar: Map<string, Cookie>, text: string): void {
  const [pair = "", ...attributes] = text.split("; ");
  const [name = ""] = pair.split("=");
  const value = pair.slice(name.length + 1);
  const path = attributes.find((one) => one.startsWith("Path="))?.slice("Path=".length) ?? "/";
  if (value === "" || attributes.includes("Max-Age=0")) jar.delete(name);
  else jar.set(name, { value, path, attributes });
}
