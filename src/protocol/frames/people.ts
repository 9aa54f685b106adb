/** Oneself and others: PROTOCOL.md, section 17. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";
import { ref } from "./fields.ts";
import type { WireConnection, WireSelf, WireUser } from "./server.ts";

const audience = z.enum(["everybody", "contacts", "nobody"]);
/** A user's id. */
const user = z.string();

export const PEOPLE_OPS = {
  profile: z.strictObject({
    op: z.literal("profile"),
    ref,
    name: z.string().optional(),
    avatar: z.string().nullable().optional(),
    status: z.string().optional(),
    privacy: z.strictObject({ receipts: audience.optional(), lastSeen: audience.optional() }).optional(),
  }),
  users: z.strictObject({
    op: z.literal("users"),
    ref,
    query: z.string().optional(),
    ids: z.array(z.string()).max(LIMITS.USERS_MOST).optional(),
    limit: z.int().min(1).max(LIMITS.USERS_MOST).default(LIMITS.USERS_MOST),
  }),
  block: z.strictObject({ op: z.literal("block"), ref, user }),
  unblock: z.strictObject({ op: z.literal("unblock"), ref, user }),
  blocked: z.strictObject({ op: z.literal("blocked"), ref }),
  contacts: z.strictObject({
    op: z.literal("contacts"),
    ref,
    after: z.string().optional(),
    limit: z.int().min(1).max(LIMITS.USERS_MOST).default(LIMITS.USERS_MOST),
  }),
  "contact.set": z.strictObject({
    op: z.literal("contact.set"),
    ref,
    user,
    name: z.string().nullable().optional(),
  }),
  "contact.remove": z.strictObject({ op: z.literal("contact.remove"), ref, user }),
  connections: z.strictObject({
    op: z.literal("connections"),
    ref,
    after: z.string().optional(),
    limit: z.int().min(1).max(LIMITS.USERS_MOST).default(LIMITS.USERS_MOST),
  }),
  "connection.ask": z.strictObject({
    op: z.literal("connection.ask"),
    ref,
    user,
    message: z.string().optional(),
  }),
  "connection.set": z.strictObject({
    op: z.literal("connection.set"),
    ref,
    user,
    status: z.enum(["accepted", "ignored", "cancelled", "blocked"]),
  }),
  organizations: z.strictObject({ op: z.literal("organizations"), ref }),
};

/** [GW-17.15] An organization under the names of the APIs: its number as a text, and Wire's UUID. */
export interface WireOrganization {
  id: string;
  uuid: string;
  name: string;
}

/** [GW-17.16] Somebody in one's contact book. */
export interface WireContact {
  user: WireUser;
  /** The name in the book; missing: their own. */
  name?: string;
  /** The one-to-one room with them; missing where there is none. */
  room?: string;
}

/** What `ok` holds beside `op` and `ref`. */
export interface PeopleAnswers {
  profile: { user: WireSelf; duplicate?: true };
  users: { users: WireUser[] };
  block: { duplicate?: true };
  unblock: { duplicate?: true };
  blocked: { users: WireUser[]; matrix?: string[] };
  contacts: { contacts: WireContact[]; next?: string };
  "contact.set": { contact: WireContact; duplicate?: true };
  "contact.remove": { duplicate?: true };
  connections: { connections: WireConnection[]; next?: string };
  "connection.ask": { connection: WireConnection; duplicate?: true };
  "connection.set": { connection: WireConnection; duplicate?: true };
  organizations: { organizations: WireOrganization[] };
}
