/** What somebody tells of themselves: name, picture, status, and whom they tell more. */
import type { Context } from "../context/context.ts";
import { announceRenamed } from "../context/renamed.ts";
import { badField, DomainError } from "../errors.ts";
import { type Actor, AUDIENCES, type Audience, type Picture, type User, userKey } from "../model.ts";
import type { AttachmentFiles } from "../ports/attachments.ts";
import type { UserPatch } from "../ports/store/accounts/users.ts";
import { createPictureOf } from "../rooms/avatars.ts";
import { checkName, checkStatus } from "../text-rules.ts";
import type { OwnProfile, ProfilePatch } from "../use-cases/people.ts";

type NewPicture = Picture & { source: string };

export function createOwnProfile(context: Context, files: AttachmentFiles | null): OwnProfile {
  const { store, broadcasts } = context;
  const pictureOf = createPictureOf(context, files);

  async function userOf(actor: Actor): Promise<User> {
    const user = actor.kind === "user" ? await store.users.byId(Number(actor.id)) : null;
    if (!user) throw new DomainError("unauthorized", "The account was deleted");
    return user;
  }

  /** Undefined: the picture stays. */
  async function newPicture(
    actor: Actor,
    { avatarId, id }: User,
    avatar: string | null | undefined,
  ): Promise<NewPicture | null | undefined> {
    if (avatar === undefined) return undefined;
    if (avatar === null) return avatarId === null ? undefined : null;
    // The same file again: the answer to the first request was lost.
    const source = await store.transaction((tx) => tx.users.pictureSource(id));
    return source === avatar ? undefined : { ...(await pictureOf(actor, avatar)), source: avatar };
  }

  async function tell(before: User, user: User, rooms: readonly number[]): Promise<void> {
    broadcasts.profile(user);
    const isOther = (["displayName", "avatarId", "status"] as const).some(
      (each) => before[each] !== user[each],
    );
    if (!isOther) return;
    broadcasts.userChanged(user.id);
    await announceRenamed(context, user, rooms);
  }

  return {
    get: userOf,
    async change(actor, given) {
      const patch = checkPatch(given);
      const before = await userOf(actor);
      const picture = await newPicture(actor, before, given.avatar);
      if (picture === undefined && isSame(before, patch)) return { user: before, changed: false };
      const { user, rooms } = await store.transaction(async (tx) => {
        const patched = await tx.users.update(before.id, patch);
        const changed = picture === undefined ? patched : await tx.users.setPicture(before.id, picture);
        return { user: changed, rooms: await tx.roomIdsOf(userKey(before.id)) };
      });
      if (!user) throw new DomainError("unauthorized", "The account was deleted");
      await tell(before, user, rooms);
      return { user, changed: true };
    },
  };
}

function isSame(user: User, patch: UserPatch): boolean {
  return Object.entries(patch).every(([field, value]) => user[field as keyof User] === value);
}

function checkPatch({ name, status, privacy }: ProfilePatch): UserPatch {
  const { receipts, lastSeen } = privacy ?? {};
  if (receipts !== undefined) checkAudience("privacy.receipts", receipts);
  if (lastSeen !== undefined) checkAudience("privacy.lastSeen", lastSeen);
  return {
    ...(name !== undefined && { displayName: checkName("name", name) }),
    ...(status !== undefined && { status: checkStatus(status) }),
    ...(receipts !== undefined && { receiptsFor: receipts }),
    ...(lastSeen !== undefined && { lastSeenFor: lastSeen }),
  };
}

function checkAudience(field: string, audience: Audience): void {
  if (!AUDIENCES.includes(audience)) throw badField(field, `must be one of ${AUDIENCES.join(", ")}`);
}
