/**
 * The types of zod that the protocol's schemas are made of. The package has this file in the place of zod: an app needs the types
 * of what it may say, and no schema.
 */
export declare namespace z {
  export interface ZodType<Output = unknown, Input = Output> {
    readonly output: Output;
    readonly input: Input;
  }
  export type input<Schema> = Schema extends ZodType<infer _, infer Input> ? Input : never;
  export type output<Schema> = Schema extends ZodType<infer Output, infer _> ? Output : never;

  export type infer<Schema> = output<Schema>;

  export type ZodString = ZodType<string>;
  export type ZodNumber = ZodType<number>;
  export type ZodInt = ZodType<number>;
  export type ZodBoolean = ZodType<boolean>;
  export type ZodNull = ZodType<null>;
  export type ZodUnknown = ZodType<unknown>;
  export type ZodLiteral<Value> = ZodType<Value>;
  export type ZodEnum<Values> = ZodType<Values[keyof Values]>;
  export type ZodNullable<Schema> = ZodType<output<Schema> | null, input<Schema> | null>;
  export type ZodUnion<Schemas extends readonly unknown[]> = ZodType<
    output<Schemas[number]>,
    input<Schemas[number]>
  >;
  export type ZodArray<Schema> = ZodType<output<Schema>[], input<Schema>[]>;
  export type ZodRecord<Key, Value> = ZodType<
    Record<output<Key> & string, output<Value>>,
    Record<input<Key> & string, input<Value>>
  >;
  export type ZodTransform<Output, Input> = ZodType<Output, Input>;
  export type ZodPipe<From, To> = ZodType<output<To>, input<From>>;
  export interface ZodOptional<Schema>
    extends ZodType<output<Schema> | undefined, input<Schema> | undefined> {
    readonly isOptional: true;
  }
  export interface ZodDefault<Schema> extends ZodType<output<Schema>, input<Schema> | undefined> {
    readonly hasDefault: true;
  }
  export type ZodObject<Shape, _Config = unknown> = ZodType<
    Fields<{ [Key in keyof Shape]: output<Shape[Key]> }, KeysOf<Shape, { isOptional: true }>>,
    Fields<
      { [Key in keyof Shape]: input<Shape[Key]> },
      KeysOf<Shape, { isOptional: true } | { hasDefault: true }>
    >
  >;
  export interface ZodError {
    readonly issues: readonly unknown[];
  }

  export type KeysOf<Shape, Kind> = {
    [Key in keyof Shape]: Shape[Key] extends Kind ? Key : never;
  }[keyof Shape];
  export type Fields<Values, Optional extends keyof Values> = Omit<Values, Optional> &
    Partial<Pick<Values, Optional>> extends infer All
    ? { [Key in keyof All]: All[Key] }
    : never;

  export namespace core {
    export type $strict = unknown;
    export type $strip = unknown;
    export type $loose = unknown;
  }
}
