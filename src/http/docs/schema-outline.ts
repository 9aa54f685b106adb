/** Renders a JSON Schema for people: one line for each field, nested ones indented. */

export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  allOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  maxItems?: number;
  default?: unknown;
}

export interface OutlineLine {
  depth: number;
  name: string;
  type: string;
  required: boolean;
  description: string;
}

/** @param schemas the named schemas that `$ref` points to */
export function outline(schema: JsonSchema, schemas: Record<string, JsonSchema>, depth = 0): OutlineLine[] {
  const { properties = {}, required = [] } = resolve(schema, schemas);
  return Object.entries(properties).flatMap(([name, field]) => {
    const known = resolve(field, schemas);
    const line = {
      ...{ depth, name, type: typeOf(field, schemas), required: required.includes(name) },
      description: [known.description, boundsOf(known)].filter(Boolean).join("; "),
    };
    return [line, ...outline(resolve(known.items ?? known, schemas), schemas, depth + 1)];
  });
}

/** `integer`, `text or null`, `list of Chatroom`, … */
function typeOf(schema: JsonSchema, schemas: Record<string, JsonSchema>): string {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.items) return withNull(schema, `list of ${typeOf(schema.items, schemas)}`);
  const types = [schema.type ?? "anything"].flat().filter((type) => type !== "null");
  return withNull(schema, schema.format ? `${types.join(" or ")} (${schema.format})` : types.join(" or "));
}

function boundsOf({ minimum, maximum, maxLength, maxItems, default: fallback }: JsonSchema): string {
  const bounds = [
    minimum !== undefined && `at least ${minimum}`,
    maximum !== undefined && `at most ${maximum}`,
    maxLength !== undefined && `at most ${maxLength} characters`,
    maxItems !== undefined && `at most ${maxItems}`,
    fallback !== undefined && `default ${JSON.stringify(fallback)}`,
  ];
  return bounds.filter(Boolean).join(", ");
}

function withNull(schema: JsonSchema, text: string): string {
  return Array.isArray(schema.type) && schema.type.includes("null") ? `${text} or null` : text;
}

function resolve(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  return schema.$ref ? (schemas[nameOf(schema.$ref)] ?? {}) : schema;
}

function nameOf(ref: string): string {
  return ref.slice(ref.lastIndexOf("/") + 1);
}
