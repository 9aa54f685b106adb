/** The app of the story: somebody's messenger on one device, on the SDK alone. */
import { WebSocket } from "ws";
import { type Client, createClient } from "../../src/client/client.ts";
import { type Codec, jsonCodec } from "../../src/client/codec.ts";
import { createLocalClient, type LocalClient } from "../../src/client/local/local-client.ts";
import { msgpackCodec } from "../../src/client/msgpack.ts";
import type { ClientEvents } from "../../src/client/options.ts";
import { type Login, signIn } from "../../src/client/sign-in/sign-in.ts";
import { memoryStore } from "../../src/client/stores/memory.ts";
import type { Person, Stage } from "./stage.ts";

/** What the client tells; each is written down as `[name, what]`. */
const HEARD = [
  "typing",
  "presence",
  "receipt",
  "user",
  "block",
  "contact",
  "connection",
  "call",
  "signal",
  "left",
  "opened",
] as const;
type Heard = { [Name in (typeof HEARD)[number]]: [Name, ClientEvents[Name]] }[(typeof HEARD)[number]];

const LIMIT_MS = 30_000;
const BACKOFF = { baseMs: 5, capMs: 100 };

export interface Messenger<C extends Client = Client> {
  readonly client: C;
  readonly login: Login;
  readonly person: Person;
  /** What the client told beside events, oldest first. */
  readonly heard: Heard[];
  /** Resolves when `check` holds; looked at after everything that the client tells. */
  until(what: string, check: () => boolean): Promise<void>;
  /** Resolves when the session has ended for good, with its close code. */
  ended(): Promise<number>;
  close(): Promise<void>;
}

interface Device {
  device: string;
  /** Another password than the one that the operator gave. */
  password?: string;
}

/** An app that keeps what it knows on the device. */
export async function openMessenger(
  stage: Stage,
  person: Person,
  device: Device,
): Promise<Messenger<LocalClient>> {
  const login = await signedIn(stage, person, device);
  const codec = noting(jsonCodec, stage);
  const options = { ...login, device: device.device, WebSocket, backoff: BACKOFF, codec };
  return await connected(createLocalClient({ ...options, store: memoryStore() }), login, person);
}

/** An app that keeps nothing, on MessagePack. */
export async function openBareMessenger(stage: Stage, person: Person, device: Device): Promise<Messenger> {
  const login = await signedIn(stage, person, device);
  const codec = noting(msgpackCodec, stage);
  const options = { ...login, device: device.device, WebSocket, backoff: BACKOFF, codec };
  return await connected(createClient(options), login, person);
}

/** Notes which ops are said. */
function noting(codec: Codec, { said }: Stage): Codec {
  const encode = (frame: object) => {
    said.add((frame as { op: string }).op);
    return codec.encode(frame);
  };
  return { ...codec, encode };
}

function signedIn({ url }: Stage, { handle, password: first }: Person, device: Device): Promise<Login> {
  return signIn({ url, handle, password: device.password ?? first });
}

async function connected<C extends Client>(client: C, login: Login, person: Person): Promise<Messenger<C>> {
  const heard: Heard[] = [];
  const checks = new Set<() => void>();
  const look = () => {
    for (const check of [...checks]) check();
  };
  for (const name of HEARD) {
    client.on(name, (what) => {
      heard.push([name, what] as Heard);
      look();
    });
  }
  for (const name of ["event", "room", "state"] as const) client.on(name, look);
  client.rooms.subscribe(look);
  const until = (what: string, check: () => boolean) => holds(what, check, checks);
  await client.connect();
  return {
    ...{ client, login, person, heard, until },
    async ended() {
      await until("the end of the session", () => client.state.name === "ended");
      return client.state.name === "ended" ? client.state.code : 0;
    },
    close: async () => await client.disconnect(),
  };
}

function holds(what: string, check: () => boolean, checks: Set<() => void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      clearTimeout(timer);
      checks.delete(look);
      end();
    };
    const look = () => {
      if (check()) finish(resolve);
    };
    const timer = setTimeout(() => finish(() => reject(new Error(`waited in vain for ${what}`))), LIMIT_MS);
    checks.add(look);
    look();
  });
}
