/** Fields that the frames of several ops share. */
import { z } from "zod";
import { LIMITS } from "../limits.ts";

/** [GW-3.1] What a client names a command by; the answer carries it. */
export type Ref = number | string;

export const ref = z.union([z.int(), z.string().max(LIMITS.REF_CHARACTERS)]);
/** A room's token. */
export const room = z.string();
/** The number of an event in its room's log. */
export const seq = z.int().min(0);
/** [GW-9.1] What somebody in a call has on. */
export const flags = z.int().min(1).max(7);
