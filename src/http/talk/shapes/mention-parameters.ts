/** [B.8.6] Mentions in a text: names in braces stand in for them, and say who is meant beside the text. */
import { z } from "@hono/zod-openapi";
import type { Room, RoomType } from "../../../domain/model.ts";
import type { TextPart } from "../../../domain/use-cases/messages.ts";
import { personOf } from "./authors.ts";

const parameterSchema = z.object({
  type: z.string(),
  id: z.string(),
  name: z.string(),
  "call-type": z.string().optional(),
});
export const parametersSchema = z
  .union([z.record(z.string(), parameterSchema), z.array(z.unknown()).max(0)])
  .openapi({ description: "By the names in braces that stand in the message; an empty list: none" });

type Parameter = z.infer<typeof parameterSchema>;
type ShownRoom = Pick<Room, "token" | "type" | "name">;
type Mention = Exclude<TextPart, { kind: "text" }>;

const CALL_TYPE: Record<RoomType, string> = {
  one_to_one: "one2one",
  group: "group",
  public: "public",
};

/** Counted by kind in the order in which they first come; who is mentioned again has the same name. */
export function mentioning(
  room: ShownRoom,
  parts: readonly TextPart[],
): { message: string; messageParameters: z.infer<typeof parametersSchema> } {
  const parameters: Record<string, Parameter> = {};
  const keys = new Map<string, string>();
  const counts: Record<string, number> = {};
  const text = parts.map((part) => {
    if (part.kind === "text") return part.text;
    const parameter = parameterOf(room, part);
    const { type, id } = parameter;
    let key = keys.get(`${type} ${id}`);
    if (key === undefined) {
      counts[type] = (counts[type] ?? 0) + 1;
      key = `mention-${type}${counts[type]}`;
      keys.set(`${type} ${id}`, key);
      parameters[key] = parameter;
    }
    return `{${key}}`;
  });
  return { message: text.join(""), messageParameters: keys.size === 0 ? [] : parameters };
}

function parameterOf({ token, type, name }: ShownRoom, part: Mention): Parameter {
  switch (part.kind) {
    case "user": {
      const { handle, displayName } = part.user;
      return { type: "user", id: handle, name: displayName };
    }
    case "guest":
      return personOf(part.guest, null);
    case "all":
      return { type: "call", id: token, name, "call-type": CALL_TYPE[type] };
  }
}
