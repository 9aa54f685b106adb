/** The arrays that our statements send and read, by PostgreSQL's own type numbers (pg_type.dat). */

import type postgres from "postgres";
import { parse } from "postgres-array";

export const ARRAY_TYPES: Record<string, postgres.PostgresType> = {
  bigints: arrayType(1016, Number),
  integers: arrayType(1007, Number),
  texts: arrayType(1009, String),
  uuids: arrayType(2951, String),
};

function arrayType(oid: number, read: (text: string) => unknown): postgres.PostgresType {
  return { to: oid, from: [oid], parse: (text: string) => parse(text, read), serialize: arrayText };
}

/** A one-dimensional array as text: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayText(values: readonly unknown[]): string {
  return `{${values.map(elementText).join(",")}}`;
}

function elementText(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (value === undefined) throw new TypeError("An array for the database holds undefined");
  return value === null ? "null" : `"${escaped(String(value))}"`;
}

/** Thousands of events a second go through here, and most of their fields have nothing to escape. */
function escaped(text: string): string {
  const doubled = text.includes("\\") ? text.replace(/\\/g, "\\\\") : text;
  return doubled.includes('"') ? doubled.replace(/"/g, '\\"') : doubled;
}
