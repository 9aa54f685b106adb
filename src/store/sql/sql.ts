/**
 * SQL as tagged templates. A statement runs once, when it is awaited, through its `run`. Inside another template it is a
 * fragment of that one. Values become parameters, never text.
 */
import type postgres from "postgres";

/** A part of a statement, in the driver's template language. */
export type Fragment = postgres.Fragment;
export type Rows<T extends readonly (object | undefined)[]> = postgres.RowList<T>;
type Runner = (fragment: Fragment) => Promise<Rows<postgres.Row[]>>;

export interface Sql {
  /** A statement or fragment: ``sql<{ id: number }[]>`select id from users where handle = ${handle}` ``. */
  <T extends readonly (object | undefined)[] = postgres.Row[]>(
    strings: TemplateStringsArray,
    ...values: readonly unknown[]
  ): Statement<T>;
  /** The driver's helper for names and rows: `insert into t ${sql(rows)}`, `update t set ${sql(patch)}`. */
  // biome-ignore lint/suspicious/noExplicitAny: the driver types its helper by what it is given, and takes it back
  (first: object | readonly object[] | string, ...columns: string[]): postgres.Helper<any, any>;
  /** Text that goes into a statement as it is. Never pass input of a user. */
  unsafe(text: string): Fragment;
  json(value: postgres.JSONValue): postgres.Parameter;
  array(values: readonly unknown[], type?: number): postgres.ArrayParameter;
}

/** A statement that can be awaited like a promise, or put into another template. */
export class Statement<T extends readonly (object | undefined)[]> implements PromiseLike<Rows<T>> {
  readonly fragment: Fragment;
  private readonly run: Runner;
  private outcome: Promise<Rows<T>> | undefined;

  constructor(fragment: Fragment, run: Runner) {
    this.fragment = fragment;
    this.run = run;
  }

  // biome-ignore lint/suspicious/noThenProperty: awaiting is how a statement runs
  then<A = Rows<T>, B = never>(
    onDone?: ((rows: Rows<T>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.outcome ??= this.run(this.fragment) as unknown as Promise<Rows<T>>;
    return this.outcome.then(onDone, onError);
  }

  catch<B = never>(onError: (error: unknown) => B | PromiseLike<B>): Promise<Rows<T> | B> {
    return this.then(null, onError);
  }
}

/** Makes a template function whose statements run through `run`. `language` is a driver instance used as a parser only. */
export function createSql(language: postgres.Sql, run: Runner): Sql {
  const build = (first: unknown, ...rest: unknown[]): unknown => {
    const call = language as unknown as (...input: unknown[]) => unknown;
    if (!isTemplate(first)) return call(first, ...rest);
    return new Statement(call(first, ...rest.map(unwrap)) as Fragment, run);
  };
  return Object.assign(build as Sql, {
    unsafe: (text: string) => language.unsafe(text) as Fragment,
    json: (value: postgres.JSONValue) => language.json(value),
    array: (values: readonly unknown[], type?: number) => language.array(values as never[], type),
  });
}

function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray(value) && "raw" in value;
}

function unwrap(value: unknown): unknown {
  if (value instanceof Statement) return value.fragment;
  return Array.isArray(value) && value[0] instanceof Statement ? value.map(unwrap) : value;
}
