/**
 * Pictures of people who sign in with an identity provider. The claim names a URL, which is fetched behind the sign-in. A
 * picture that people chose here stays until the provider names another URL.
 */
import type { Context, DomainOptions } from "../context/context.ts";
import { announceRenamed } from "../context/renamed.ts";
import { DomainError } from "../errors.ts";
import { userKey } from "../model.ts";
import type { Identity } from "../ports/store/accounts/identities.ts";
import { checkAvatar } from "../rooms/avatars.ts";
import { type Claims, pictureIn } from "./claims.ts";

/** Begins to take the picture of the claims over, where it is another one than before. It never fails. */
export type Pictures = (identity: Identity, claims: Claims) => void;

/** Pictures that are fetched at once. What is beyond is fetched at the person's next sign-in. */
const MAX_AT_ONCE = 8;

type FetchPicture = NonNullable<NonNullable<DomainOptions["oidc"]>["fetchPicture"]>;

export function createPictures(context: Context, claim: string, fetchPicture: FetchPicture): Pictures {
  const { store, logger, broadcasts } = context;
  let underWay = 0;

  async function take({ id, user: { id: userId } }: Identity, url: string): Promise<void> {
    const picture = await checkAvatar(await fetchPicture(url));
    const { user, rooms } = await store.transaction(async (tx) => ({
      user: await tx.users.setPicture(userId, { ...picture, source: `oidc:${id}` }),
      rooms: await tx.roomIdsOf(userKey(userId)),
    }));
    await store.identities.notePicture(id, url);
    if (!user) return;
    broadcasts.profile(user);
    broadcasts.userChanged(userId);
    await announceRenamed(context, user, rooms);
  }

  return (identity, claims) => {
    const url = pictureIn(claims, claim);
    if (url === null || url === identity.picture) return;
    if (underWay >= MAX_AT_ONCE) return;
    underWay++;
    take(identity, url)
      .catch((error: Error) => {
        const reason = error instanceof DomainError ? error.message : `${error.name}: ${error.message}`;
        logger.info(
          { event: "oidc.picture_refused", userId: identity.user.id, reason },
          "a picture of the identity provider could not be taken over; it is tried again at the next sign-in",
        );
      })
      .finally(() => {
        underWay--;
      });
  };
}
