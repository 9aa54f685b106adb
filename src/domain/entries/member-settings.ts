/** Members' own settings of a room. A change makes no event and needs no lock of the room. */
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField } from "../errors.ts";
import { type Actor, type Membership, type MembershipSettings, memberKey } from "../model.ts";
import { can } from "../permissions.ts";
import { checkWellFormed } from "../text-rules.ts";
import type { MemberSettings } from "../use-cases/room-settings.ts";

const LEVELS: ReadonlySet<string> = new Set(["default", "always", "mention", "never"]);
const REF_CHARACTERS = 256;
/** What a conversation of Protocol shows of its member's settings: webhooks tell of it. */
const WEBHOOK_FIELDS = ["muted", "pinned", "archivedAt"] as const;

export function createMemberSettings(context: Context): MemberSettings {
  const { store, accesses, broadcasts, now } = context;

  async function own(actor: Actor, room: string): Promise<number> {
    const { roomId, membership, rules } = await accesses.member(actor, room);
    const verdict = can(membership, rules, "own_settings", now());
    if (verdict !== null) throw refusal(verdict, "own_settings");
    return roomId;
  }

  async function update(
    actor: Actor,
    room: string,
    patchOf: (current: Membership) => Partial<MembershipSettings>,
  ): Promise<Membership> {
    const roomId = await own(actor, room);
    const current = await store.memberships.update(roomId, memberKey(actor), {});
    const patch = current && patchOf(current);
    if (!patch || Object.keys(patch).length === 0) return current ?? gone();
    const noted = WEBHOOK_FIELDS.some(
      (field) => patch[field] !== undefined && patch[field] !== current[field],
    );
    const changed = await store.memberships.update(roomId, memberKey(actor), patch, noted);
    const at = changed?.settingsAt ?? null;
    if (changed?.userId && at !== null && at !== current.settingsAt) {
      broadcasts.settings(changed.userId, roomId, at);
    }
    return changed ?? gone();
  }

  return {
    get: (actor, room) => update(actor, room, () => ({})),
    async change(actor, room, patch) {
      checkPatch(patch);
      return await update(actor, room, (current) => ({ ...patch, ...mutedBy(patch, current) }));
    },
    async opened(actor, roomIds) {
      const member = memberKey(actor);
      const note = (id: number) =>
        context.bestEffort("Noting that a room was opened", () => store.log.opened(member, id));
      await Promise.all(roomIds.map(note));
    },
  };
}

function gone(): never {
  throw noSuchRoom();
}

/** `muted` follows from `mutedStatus` and the other way round. */
function mutedBy(
  { muted, mutedStatus }: Partial<MembershipSettings>,
  current: MembershipSettings,
): Partial<MembershipSettings> {
  if (mutedStatus !== undefined) return { mutedStatus, muted: (mutedStatus ?? 0) > 0 };
  if (muted === undefined || muted === current.muted) return {};
  return { muted, mutedStatus: muted ? 1 : 0 };
}

function checkPatch(patch: Partial<MembershipSettings>): void {
  const { notificationLevel, mutedStatus, archivedAt } = patch;
  if (notificationLevel !== undefined && !LEVELS.has(notificationLevel)) {
    throw badField("notificationLevel", "must be default, always, mention or never");
  }
  if (typeof mutedStatus === "number" && (mutedStatus | 0) !== mutedStatus) {
    throw badField("mutedStatus", "must be a 32-bit integer");
  }
  if (typeof archivedAt === "number" && !Number.isSafeInteger(archivedAt)) {
    throw badField("archivedAt", "must be a time in milliseconds since 1970 UTC, or null");
  }
  for (const field of ["mutedRef", "archivedRef", "hiddenRef"] as const) {
    const ref = patch[field];
    if (typeof ref !== "string") continue;
    if (ref.length > REF_CHARACTERS) throw badField(field, "must be at most 256 characters long");
    checkWellFormed(field, ref);
  }
}
