/** A user's contact book: their notes about other users, and the one-to-one room with each. */
import type { Context } from "../context/context.ts";
import { cursorQuery, cut } from "../cursors.ts";
import { badField, DomainError } from "../errors.ts";
import { isPublicId, numberOfId } from "../ids.ts";
import { type Actor, type Contact, type Room, type User, userActor, type WebhookType } from "../model.ts";
import type { StoredContact } from "../ports/store/accounts/people.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import { checkAvatarUrl } from "../rooms/rules.ts";
import { checkVisible, checkWellFormed, codePoints, isHandle } from "../text-rules.ts";
import type { Contacts } from "../use-cases/people.ts";
import type { OneToOne } from "../use-cases/rooms.ts";

const PHONE_CHARACTERS = 64;
const NAME_CODE_POINTS = 200;

interface Entry {
  phoneNumber?: string | null;
  avatarUrl?: string | null;
  displayName?: string | null;
}

export function createContacts(
  { store, broadcasts }: Context,
  oneToOne: Pick<OneToOne, "open" | "delete">,
): Contacts {
  /** A user by handle or public id, if the actor may see them. */
  async function userNamed(actor: Actor, name: string): Promise<User> {
    const byHandle = isHandle(name) ? await store.people.users({ handles: [name] }) : [];
    const byId = isPublicId(name) ? await store.people.users({ publicIds: [name] }) : [];
    const [user] = [...byHandle, ...byId];
    const visible = user ? await store.users.visible(idOf(actor), [user.id]) : [];
    if (!user || visible.length === 0) {
      throw new DomainError("not_found", "There is no user of this name", { field: "username" });
    }
    if (user.id === idOf(actor)) {
      throw new DomainError("forbidden", "You are no contact of your own", { field: "username" });
    }
    return user;
  }

  /** Builds the contacts. `lastActiveAt` is set only for users whom the actor may see, so not after a block. */
  async function entries(actor: Actor, found: readonly StoredContact[]): Promise<Contact[]> {
    if (actor.kind !== "user" || found.length === 0) return [...found];
    const ids = found.map(({ user }) => user.id);
    const visible = new Set(await store.users.visible(idOf(actor), ids));
    return found.map((contact) =>
      visible.has(contact.user.id) ? contact : { ...contact, lastActiveAt: null },
    );
  }

  async function entryOf(actor: Actor, publicId: string): Promise<Contact> {
    const [user] = isPublicId(publicId) ? await store.people.users({ publicIds: [publicId] }) : [];
    const [contact] = user
      ? await entries(actor, await store.people.contacts(idOf(actor), [user.id], true))
      : [];
    if (!contact) throw new DomainError("not_found", "There is no such contact", { field: "contact" });
    return contact;
  }

  async function note(
    tx: StoreTransaction,
    actor: Actor,
    type: WebhookType,
    contact: Contact,
  ): Promise<void> {
    const roomId = contact.room?.id ?? null;
    await tx.webhooks.note({ type, userId: idOf(actor), roomId, data: contact });
  }

  /** Writes an entry, and the note for webhooks. */
  async function put(actor: Actor, user: User, entry: Entry) {
    const owner = idOf(actor);
    const created = await store.transaction((tx) => tx.people.putContact(owner, user.id, entry));
    const contact = await entryOf(actor, user.publicId);
    const type = created ? "contact.created" : "contact.updated";
    if (created || Object.keys(entry).length > 0) {
      await store.transaction((tx) => note(tx, actor, type, contact));
      broadcasts.contact(owner, user.id, true, contact.displayName);
    }
    return { contact, created };
  }

  /** The entry of a user, by the user's id. */
  async function entryById(actor: Actor, id: number): Promise<Contact | null> {
    const owner = idOf(actor);
    const [contact = null] =
      id === 0 ? [] : await entries(actor, await store.people.contacts(owner, [id], true));
    return contact;
  }

  /** A user by id, if the actor may see them. */
  async function userById(actor: Actor, id: number): Promise<User> {
    const me = idOf(actor);
    const isVisible = id !== 0 && (await store.users.visible(me, [id])).length > 0;
    const user = isVisible ? await store.users.byId(id) : null;
    if (!user) throw new DomainError("not_found", "There is no such user", { field: "user" });
    if (id === me) throw badField("user", "must be somebody else");
    return user;
  }

  /** Takes an entry out of the book. @param activity where it stood @returns false when it was gone already */
  async function takeOut(actor: Actor, contact: Contact, activity: number): Promise<boolean> {
    const owner = idOf(actor);
    const isGone = await store.transaction(async (tx) => {
      if (!(await tx.people.deleteContact(owner, contact.user.id, activity))) return false;
      await note(tx, actor, "contact.deleted", contact);
      return true;
    });
    if (isGone) broadcasts.contact(owner, contact.user.id, false, null);
    return isGone;
  }

  /** Deletes the one-to-one room, unless the actor has left it: then it is the other's. */
  async function deleteRoom(actor: Actor, room: Room): Promise<void> {
    try {
      await oneToOne.delete(actor, room.token);
    } catch (error) {
      if (!(error instanceof DomainError && error.code === "not_found")) throw error;
    }
  }

  return {
    async add(actor, { name, ...given }) {
      const entry = checkEntry(given);
      const user = await userNamed(actor, name);
      await oneToOne.open(actor, userActor(user));
      return await put(actor, user, entry);
    },
    get: entryOf,
    async list(actor, page) {
      const owner = idOf(actor);
      const query = await cursorQuery(page, async (cursor: string) =>
        isPublicId(cursor) ? await store.people.contactPlace(owner, cursor) : null,
      );
      const { items, more } = cut(await store.people.contactPage(owner, query), query);
      return { contacts: await entries(actor, items), more };
    },
    async rename(actor, publicId, displayName) {
      const entry = checkEntry({ displayName });
      const { user } = await entryOf(actor, publicId);
      return (await put(actor, user, entry)).contact;
    },
    async delete(actor, publicId) {
      const contact = await entryOf(actor, publicId);
      const place = await store.people.contactPlace(idOf(actor), publicId);
      // The room is deleted first, because the rest can be repeated.
      if (contact.room) await deleteRoom(actor, contact.room);
      await takeOut(actor, contact, place?.activity ?? contact.createdAt);
    },
    async set(actor, id, displayName) {
      const entry = checkEntry(displayName === undefined ? {} : { displayName });
      const known = await entryById(actor, numberOfId(id));
      const isSame = displayName === undefined || known?.displayName === entry.displayName;
      if (known && isSame) return { contact: known, changed: false };
      const user = known?.user ?? (await userById(actor, numberOfId(id)));
      return { contact: (await put(actor, user, entry)).contact, changed: true };
    },
    async remove(actor, id) {
      const contact = await entryById(actor, numberOfId(id));
      if (!contact) return false;
      const place = await store.people.contactPlace(idOf(actor), contact.user.publicId);
      return await takeOut(actor, contact, place?.activity ?? contact.createdAt);
    },
    async cards(actor, userIds) {
      const owner = actor.kind === "user" ? Number(actor.id) : 0;
      const found = userIds.length === 0 ? [] : await store.people.contacts(owner, userIds, false);
      return new Map((await entries(actor, found)).map((contact) => [contact.user.id, contact]));
    },
  };
}

function idOf(actor: Actor): number {
  if (actor.kind !== "user") throw new DomainError("forbidden", "Only users have contacts");
  return Number(actor.id);
}

function checkEntry({ phoneNumber, avatarUrl, displayName }: Entry): Entry {
  if (phoneNumber && (phoneNumber.length > PHONE_CHARACTERS || /[\p{Cc}]/u.test(phoneNumber))) {
    throw badField("phoneNumber", "must be at most 64 characters long");
  }
  if (phoneNumber) checkWellFormed("phoneNumber", phoneNumber);
  const name = displayName?.trim();
  if (name && codePoints(name) > NAME_CODE_POINTS) {
    throw badField("displayName", "must be at most 200 characters long");
  }
  if (name) checkWellFormed("displayName", name);
  if (name) checkVisible("displayName", name);
  return {
    ...(phoneNumber !== undefined && { phoneNumber: phoneNumber || null }),
    ...(avatarUrl !== undefined && { avatarUrl: checkAvatarUrl(avatarUrl) }),
    ...(displayName !== undefined && { displayName: name || null }),
  };
}
