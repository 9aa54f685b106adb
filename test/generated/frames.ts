/** Frames that are made up from the schemas of the ops: valid ones, and ones that break a rule. */
import fc from "fast-check";
import { z } from "zod";
import { CLIENT_SCHEMAS, type ClientOp } from "../../src/protocol/frames.ts";

type Frame = Record<string, unknown>;
/** The part of JSON Schema that the ops use. */
interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
}

/** What fields of these names hold most of the time: things that are there. */
export interface World {
  rooms: readonly string[];
  people: readonly string[];
}

export const OPS = (Object.keys(CLIENT_SCHEMAS) as ClientOp[]).filter((op) => op !== "hello");
const schemaOf = (op: ClientOp) =>
  z.toJSONSchema(CLIENT_SCHEMAS[op], { target: "draft-7", io: "input", unrepresentable: "any" }) as Schema;

/** After these there is less to try, so they come seldom. */
const ENDS_A_STAY: ReadonlySet<string> = new Set([
  "room.delete",
  "room.leave",
  "member.remove",
  "session.end",
]);

/** Frames of all ops, without `ref`. */
export function validFrames(world: World): fc.Arbitrary<Frame> {
  const frames = OPS.map((op) => ({
    weight: ENDS_A_STAY.has(op) ? 1 : 6,
    arbitrary: arbitraryOf(schemaOf(op), "", world) as fc.Arbitrary<Frame>,
  }));
  return fc.oneof(...frames);
}

/** The same with a field that is missing, another field's, unknown, or of any other value. */
export function brokenFrames(world: World): fc.Arbitrary<Frame> {
  const value = fc.jsonValue({ maxDepth: 2 });
  const index = fc.nat(9);
  return fc
    .tuple(validFrames(world), fc.constantFrom("drop", "replace", "add", "op"), index, value)
    .map(([frame, how, at, other]) => {
      const names = Object.keys(frame);
      const name = names[at % names.length] as string;
      if (how === "add") return { ...frame, [`unknown${at}`]: other };
      if (how === "op") return { ...frame, op: other };
      if (how === "replace") return { ...frame, [name]: other };
      const { [name]: _, ...rest } = frame;
      return rest;
    });
}

const text = fc.string({ unit: "grapheme", maxLength: 40 });

function arbitraryOf(schema: Schema, name: string, world: World): fc.Arbitrary<unknown> {
  const known = knownOf(name, schema, world);
  if (known)
    return fc.oneof({ weight: 4, arbitrary: known }, { weight: 1, arbitrary: plain(schema, name, world) });
  return plain(schema, name, world);
}

function knownOf(name: string, { type }: Schema, { rooms, people }: World): fc.Arbitrary<unknown> | null {
  if (type === "string" && name === "room") return fc.constantFrom(...rooms);
  if (type === "string" && ["user", "users", "members", "mentions", "ids", "from"].includes(name))
    return fc.constantFrom(...people);
  // Ids that come again find what they made before.
  if (type === "string" && name === "type")
    return fc.constantFrom("text", "poll", "x.app.thing", "image/png");
  if (type === "string" && name === "text") return fc.constantFrom("Hello", "Hello, world");
  if (type === "string" && name === "id") return fc.constantFrom("one", "two", "three", "four");
  if (type === "integer" && /seq|replyTo|thread|before|after|around/i.test(name)) return fc.nat(8);
  return null;
}

function plain(schema: Schema, name: string, world: World): fc.Arbitrary<unknown> {
  const { type, anyOf = schema.oneOf, items = {}, maxItems = 4 } = schema;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (anyOf) return fc.oneof(...anyOf.map((one) => arbitraryOf(one, name, world)));
  switch (type) {
    case "string":
      return text;
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "integer":
    case "number":
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1e6, 2 ** 53 - 1) });
    case "array":
      return fc.array(arbitraryOf(items, name, world), { maxLength: Math.min(maxItems, 4) });
    case "object":
      return objectOf(schema, world);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf({ properties, required = [], additionalProperties }: Schema, world: World) {
  if (!properties) {
    const values = typeof additionalProperties === "object" ? additionalProperties : {};
    return fc.dictionary(fc.oneof(fc.constantFrom(...world.rooms), text), plain(values, "seq", world), {
      maxKeys: 3,
    });
  }
  const names = Object.keys(properties).filter((name) => name !== "ref");
  const every = fc.record(
    Object.fromEntries(names.map((name) => [name, arbitraryOf(properties[name] as Schema, name, world)])),
  );
  const kept = [...required, "text"];
  const optional = names.filter((name) => !kept.includes(name));
  // Many optional fields exclude each other or have rules of their own: with all of them hardly a frame is carried out.
  return fc
    .tuple(every, fc.subarray(optional, { maxLength: Math.min(1, optional.length) }))
    .map(([frame, some]) =>
      Object.fromEntries(
        Object.entries(frame).filter(([name]) => kept.includes(name) || some.includes(name)),
      ),
    );
}
