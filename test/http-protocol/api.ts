/** People who use the Protocol API, over the real domain on PostgreSQL with files in a folder. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { attachmentsInFolder } from "../../src/attachments/folder.ts";
import { type Actor, userActor } from "../../src/domain/model.ts";
import type { Answer, Call } from "../http/http-client.ts";
import {
  addOrg,
  addPerson,
  type Org,
  openSite,
  type Person,
  PUBLIC_URL,
  type Site,
} from "../http/real-parts.ts";
import { describeWith } from "../services/need.ts";

/** Somebody with a token. Bodies are sent as JSON, or as a form when they are a text. */
export interface Someone extends Person {
  actor: Actor;
  bearer: { Authorization: string };
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  put(path: string, body?: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  /** A file with these bytes. */
  upload(filename: string, content: string | Uint8Array<ArrayBuffer>): Promise<Answer>;
}

export interface Place extends Site {
  /** Without an organization unless one is given. */
  person(org?: Org): Promise<Someone>;
  org(): Promise<Org>;
  /** Files that are on their way in. */
  incoming(): string[];
}

/** `describeWith("postgres", …)` with a place that all tests of the block share. */
export function describeProtocol(name: string, fn: (place: Place) => void): void {
  describeWith("postgres", name, ({ postgres }) => {
    const place = {} as Place;
    const folder = mkdtempSync(join(tmpdir(), "causeway-files-"));
    beforeAll(async () => {
      const site = await openSite(postgres.url, { files: attachmentsInFolder(folder) });
      Object.assign(place, site, {
        org: () => addOrg(site),
        incoming: () => readdirSync(join(folder, "incoming")),
        person: async (org?: Org) => someone(site, await addPerson(site, org)),
      });
    });
    afterAll(async () => {
      await place.close?.();
      rmSync(folder, { recursive: true });
    });
    fn(place);
  });
}

const FORM = "application/x-www-form-urlencoded";

function someone(site: Site, person: Person): Someone {
  const bearer = { Authorization: `Bearer ${person.auth["Personal-Access-Token"]}` };
  const call = (method: string, path: string, body?: unknown) => {
    const sent: Call =
      typeof body === "string"
        ? { body, headers: { ...bearer, "content-type": FORM } }
        : { headers: bearer, ...(body !== undefined && { json: body }) };
    return site.client(method, `/v1${path}`, sent);
  };
  return {
    ...person,
    bearer,
    actor: userActor(person),
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    put: (path, body) => call("PUT", path, body),
    delete: (path) => call("DELETE", path),
    async upload(filename, content) {
      const form = new FormData();
      form.set("file", new File([content], filename));
      const request = new Response(form);
      const type = request.headers.get("content-type") as string;
      return await site.client("POST", "/v1/attachments", {
        headers: { ...bearer, "content-type": type },
        body: new Uint8Array(await request.arrayBuffer()),
      });
    },
  };
}

export const ID = expect.stringMatching(/^[A-Za-z0-9]{16}$/);
/** A room's name on the WebSocket; test/faces/socket-names.test.ts compares which. */
export const ROOM = expect.stringMatching(/^[a-z0-9]{8}$/);
export const SECONDS = expect.toSatisfy(
  (value: number) => Number.isInteger(value) && Math.abs(value - Date.now() / 1_000) < 3_600,
);

/** The error object, with the type that its status has. */
export function refusal(status: number, message: unknown = expect.any(String)) {
  const type = status >= 500 ? "api_error" : "invalid_request";
  const json = { type, message, documentation_url: `${PUBLIC_URL}/docs/errors/${type}` };
  return { status, json };
}

/** The ids of a list. */
export function idsOf({ json }: Answer): string[] {
  return json.data.map(({ id }: { id: string }) => id);
}
