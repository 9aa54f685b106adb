/** Members' own settings of a room. A change makes no event and needs no lock of the room. */
import { noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField } from "../errors.ts";
import { type Actor, type Membership, type MembershipSettings, memberKey } from "../model.ts";
import { can } from "../permissions.ts";
import { checkWellFormed } from "../text-rules.ts";
import type { MemberSettings, SettingsPatch } from "../use-cases/room-settings.ts";

const LEVELS: ReadonlySet<string> = new Set(["default", "always", "mention", "never"]);
const REF_CHARACTERS = 256;
/** More that are due wait for the next sweep. */
const SWEPT_AT_ONCE = 500;
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
    patchOf: (current: Membership) => SettingsPatch,
  ): Promise<Membership> {
    const roomId = await own(actor, room);
    const current = await store.memberships.update(roomId, memberKey(actor), {});
    if (!current) return gone();
    const patch = changesOf(current, patchOf(current));
    if (Object.keys(patch).length === 0) return current;
    const noted = WEBHOOK_FIELDS.some((field) => patch[field] !== undefined);
    const changed = await store.memberships.update(roomId, memberKey(actor), patch, noted);
    if (!changed) return gone();
    tell(changed, current.settingsAt);
    return changed;
  }

  /** @param before the time of the change before that Wire's clients show */
  function tell({ userId, roomId, settingsAt }: Membership, before: number | null): void {
    if (userId === null) return;
    broadcasts.entry(userId, roomId);
    if (settingsAt !== null && settingsAt !== before) broadcasts.settings(userId, roomId, settingsAt);
  }

  return {
    get: (actor, room) => update(actor, room, () => ({})),
    async change(actor, room, patch) {
      checkPatch(patch, now());
      return await update(actor, room, (current) => {
        const { archived, ...rest } = patch;
        return { ...rest, ...mutedBy(patch, current), ...archivedBy(archived, current, now()) };
      });
    },
    async sweep() {
      for (const each of await store.memberships.unmuteDue(now(), SWEPT_AT_ONCE)) tell(each, null);
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

/** What of the patch is not so already. */
function changesOf(current: MembershipSettings, patch: SettingsPatch): Partial<MembershipSettings> {
  const given = Object.entries(patch) as [keyof MembershipSettings, unknown][];
  return Object.fromEntries(
    given.filter(([field, value]) => value !== undefined && current[field] !== value),
  );
}

/**
 * `muted` follows from `mutedStatus` and the other way round, and both from a time until when. Without a time the room is
 * muted, or not, until that is changed.
 */
function mutedBy(
  { muted, mutedStatus, mutedUntil }: SettingsPatch,
  current: MembershipSettings,
): Partial<MembershipSettings> {
  if (mutedStatus !== undefined) return { mutedStatus, muted: (mutedStatus ?? 0) > 0, mutedUntil: null };
  const wanted = muted ?? (mutedUntil ? true : undefined);
  if (wanted === undefined) return {};
  const until = { mutedUntil: mutedUntil ?? null };
  return wanted === current.muted ? until : { ...until, muted: wanted, mutedStatus: wanted ? 1 : 0 };
}

/** Archiving again keeps the time of the first. */
function archivedBy(
  archived: boolean | undefined,
  { archivedAt }: MembershipSettings,
  now: number,
): Partial<MembershipSettings> {
  if (archived === undefined) return {};
  return { archivedAt: archived ? (archivedAt ?? now) : null };
}

function checkPatch(patch: SettingsPatch, now: number): void {
  const { notificationLevel, mutedStatus, archivedAt } = patch;
  checkMutedUntil(patch, now);
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

function checkMutedUntil({ muted, mutedUntil }: SettingsPatch, now: number): void {
  if (typeof mutedUntil !== "number") return;
  if (!Number.isSafeInteger(mutedUntil) || mutedUntil <= now) {
    throw badField("mutedUntil", "must be a time to come, in milliseconds since 1970 UTC, or null");
  }
  if (muted === false) throw badField("mutedUntil", "must not be given for a room that is not muted");
}
