/**
 * The socket takes whatever frames come: each that has a `ref` is answered once under it [GW-3.1], each that has none once with
 * null [GW-3.2], every frame of the server is one that is declared, and nothing fails inside.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLogger } from "../../src/logger.ts";
import { type ClientOp, refOf } from "../../src/protocol/frames.ts";
import { ANSWER_SCHEMAS } from "../../src/protocol/schemas/answers.ts";
import { SERVER_SCHEMAS } from "../../src/protocol/schemas/server.ts";
import { type Node, person, room, say, site } from "../gateway/fixtures.ts";
import type { Frame, RawClient } from "../gateway/raw-client.ts";
import { describeWith } from "../services/need.ts";
import { brokenFrames, validFrames, type World } from "./frames.ts";

const FRAMES = 60;
const RUNS = Number(process.env.SOCKET_RUNS ?? 8);
const RUN_LIMIT_MS = 240_000;
/** Where the made-up rooms and people of a run stand in for real ones, which each run has of its own. */
const STAND_INS: World = {
  rooms: ["ROOM-0", "ROOM-1", "nowhere1"],
  people: ["USER-0", "USER-1", "USER-2", "0"],
};

type Said = { frame: Record<string, unknown> } | { bytes: Uint8Array };

const said = fc.oneof(
  { weight: 6, arbitrary: validFrames(STAND_INS).map((frame): Said => ({ frame })) },
  { weight: 3, arbitrary: brokenFrames(STAND_INS).map((frame): Said => ({ frame })) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes): Said => ({ bytes })) },
);

describeWith("postgres", "made-up frames", ({ postgres }) => {
  const { node, raw } = site(postgres.url);
  let started: Promise<Node> | null = null;
  const errors: unknown[] = [];
  const logger = Object.create(createLogger("silent"), {
    error: { value: (...what: unknown[]) => void errors.push(what) },
  });

  describe.each(["json", "msgpack"] as const)("in %s", (codec) => {
    test(
      "[GW-3.1] [GW-3.2] are all answered, as declared, and nothing fails",
      async () => {
        started ??= node({ gateway: { logger } });
        const one = await started;
        const run = fc.asyncProperty(
          fc.array(said, { minLength: FRAMES, maxLength: FRAMES }),
          async (frames) => {
            const { client, real } = await stage(one);
            await converse(client, codec, frames.map(real));
            client.socket.terminate();
            await client.closed;
            expect(errors).toEqual([]);
          },
        );
        await fc.assert(run, { numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: RUN_LIMIT_MS });
      },
      RUN_LIMIT_MS + 60_000,
    );

    /** A session with two rooms, and frames about them. */
    async function stage(one: Node) {
      const people = await Promise.all(["Ada", "Bob", "Cleo"].map((name) => person(one, name)));
      const [ada, bob, cleo] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
      const rooms = [await room(one, [ada, bob]), await room(one, [bob, ada, cleo])];
      for (const home of rooms) for (const by of [ada, bob]) await say(one, by, home, "Hello, world");
      const client = await raw(one, codec);
      checked(await client.hello(ada.token), null);
      const names = new Map<string, string>([
        ...rooms.map(({ token }, n) => [`ROOM-${n}`, token] as const),
        ...people.map(({ id }, n) => [`USER-${n}`, String(id)] as const),
      ]);
      const real = (one: Said): Said => {
        if ("bytes" in one) return one;
        const written = JSON.stringify(one.frame);
        return { frame: JSON.parse(written.replace(/ROOM-\d|USER-\d/g, (name) => names.get(name) ?? name)) };
      };
      return { client, real };
    }
  });
});

/** Says all of it at once, and waits for as many answers. */
async function converse(
  client: RawClient,
  codec: "json" | "msgpack",
  frames: readonly Said[],
): Promise<void> {
  const ops = new Map<unknown, string>();
  let withoutRef = 0;
  for (const [n, one] of frames.entries()) {
    if ("bytes" in one) {
      // On JSON a binary frame, on MessagePack none that is an object: neither has a ref.
      client.bytes(codec === "json" ? one.bytes : Uint8Array.from([0xc1, ...one.bytes]));
      withoutRef++;
      continue;
    }
    const frame: Record<string, unknown> = n % 17 === 16 ? one.frame : { ...one.frame, ref: `frame ${n}` };
    if (refOf(frame.ref) === null) withoutRef++;
    else ops.set(frame.ref, typeof frame.op === "string" ? frame.op : "");
    client.say(frame);
  }
  while (ops.size > 0 || withoutRef > 0) {
    const frame = await client.next().catch((error: Error) => {
      throw new Error(
        `${error.message}; no answer to ${JSON.stringify([...ops])}, ${withoutRef} without a ref`,
      );
    });
    if (frame.op !== "ok" && frame.op !== "error") {
      checked(frame, null);
      continue;
    }
    checked(frame, ops.get(frame.ref) ?? null);
    if (frame.ref === null) withoutRef--;
    else expect(ops.delete(frame.ref), `a second answer: ${JSON.stringify(frame)}`).toBe(true);
    expect(withoutRef).toBeGreaterThanOrEqual(0);
  }
}

/** Throws for a frame that its schema does not describe. @param asked the op that it answers */
function checked(frame: Frame, asked: string | null): void {
  if (frame.op === "ok") {
    const { op: _, ref: __, ...fields } = frame;
    const schema = ANSWER_SCHEMAS[asked as Exclude<ClientOp, "hello">];
    const { error } = schema.safeParse(fields);
    if (error) throw new Error(`${asked} was answered ${JSON.stringify(frame)}: ${error.message}`);
    return;
  }
  const schema = SERVER_SCHEMAS[frame.op as keyof typeof SERVER_SCHEMAS];
  if (!schema) throw new Error(`the frame ${frame.op} is not declared: ${JSON.stringify(frame)}`);
  const { error } = schema.safeParse(frame);
  if (error) throw new Error(`${JSON.stringify(frame)} is not as declared: ${error.message}`);
}
