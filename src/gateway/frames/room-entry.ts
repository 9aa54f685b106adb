/** [GW-15.1] The entry of a room in a member's list: in `ready`, in answers, and in the frame `room`. */
import type { Surroundings } from "../../domain/context/broadcasts.ts";
import { type Actor, effectiveLevel, type Role, type RoomType } from "../../domain/model.ts";
import type { RoomAtAGlance, SessionRoom } from "../../domain/ports/store/room-lists.ts";
import { cutText } from "../../domain/text-rules.ts";
import type { RoomEntryView } from "../../domain/use-cases/room-entries.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import { encodeJson } from "../../protocol/codec.ts";
import type { EventFrame, RoomEntry, RoomPart, RoomSettings } from "../../protocol/frames.ts";
import { LIMITS } from "../../protocol/limits.ts";
import { guestLinkUrl, pictureUrl } from "../../public-links.ts";
import { eventFrame } from "./encoded-event.ts";
import type { FileUrls } from "./file-urls.ts";
import { wireUser } from "./user.ts";

/** Makes entries for answers and frames. */
export interface EntryShape {
  /** The entry that the room has now in the member's list. @throws DomainError `not_found` */
  of(actor: Actor, room: string): Promise<RoomEntry>;
  shape(view: RoomEntryView): RoomEntry;
  /** The JSON of {@link shape}. What a room's entries have alike is written once for views that share `shown`. */
  json(view: RoomEntryView): string;
}

export function createEntryShape(
  { roomEntries, fileLinks }: Pick<UseCases, "roomEntries" | "fileLinks">,
  around: Surroundings,
): EntryShape {
  return {
    of: async (actor, room) => roomEntry(await roomEntries.of(actor, room), around, fileLinks),
    shape: (view) => roomEntry(view, around, fileLinks),
    json: (view) => entryJson(view, around, fileLinks),
  };
}

/**
 * A user who waits sees nothing of the log and of the call [GW-12.3]. Written out, as {@link eventFrame}: hundreds of
 * thousands are made when many clients come back at once, and there spreading objects costs more than all the rest.
 */
export function roomEntry(
  { room, shown, lastPing, call, waiting }: RoomEntryView,
  around: Surroundings,
  fileUrls: FileUrls,
): RoomEntry {
  const { token, rev, role, head, at, read, delivered, unread, mentions, last, lobby } = room;
  const { uuid, publicId, name, type, members, readOnly, posting, hasPassword } = shown;
  const { peer, settings } = room;
  const entry: RoomEntry = {
    room: token,
    rev,
    ids: { id: String(room.id), uuid, publicId },
    name: peer?.displayName ?? name,
    type,
    role,
    members,
    head,
    at,
    read,
    delivered,
    unread: waiting ? 0 : unread,
    mention: waiting ? 0 : mentions,
    last: last && !waiting ? preview(eventFrame(last, fileUrls)) : null,
    lastPing,
    call: waiting ? 0 : call,
    readOnly,
    posting,
    lobby,
    hasPassword,
    pinned: waiting ? [] : pinnedOf(room, shown),
    settings: settingsOf(settings, role, type),
  };
  if (waiting) entry.waiting = true;
  if (peer !== null) entry.peer = wireUser(peer, around);
  if (lobby && room.lobbyUntil !== null) entry.lobbyUntil = room.lobbyUntil;
  addWhatIsSet(entry, shown, around.publicUrl());
  return entry;
}

/** What the entries of members who see the same of a room have alike: JSON without its first bracket. */
const jsonAlike = new WeakMap<RoomAtAGlance, string>();

function entryJson(view: RoomEntryView, around: Surroundings, fileUrls: FileUrls): string {
  const { room, shown, lastPing, call } = view;
  if (!isAsOthers(view)) return encodeJson(roomEntry(view, around, fileUrls));
  let alike = jsonAlike.get(shown);
  if (alike === undefined) {
    alike = alikeJson(roomEntry(view, around, fileUrls));
    jsonAlike.set(shown, alike);
  }
  const { rev, role, read, delivered, unread, mentions } = room;
  const settings = settingsJson(settingsOf(room.settings, role, shown.type));
  return `{"rev":${rev},"role":"${role}","read":${read},"delivered":${delivered},"unread":${unread},"mention":${mentions},"lastPing":${lastPing},"call":${call},"settings":${settings},${alike}`;
}

/** Whether the member sees what most members of the room see. */
function isAsOthers({ room, shown, waiting }: RoomEntryView): boolean {
  const { historyFrom, last, lobby, peer } = room;
  const seesPinned = shown.pinnedSeq === null || shown.pinnedSeq > historyFrom;
  return !waiting && !lobby && peer === null && last === shown.last && seesPinned;
}

function alikeJson(entry: RoomEntry): string {
  const { rev, role, read, delivered, unread, mention, lastPing, call, settings, ...alike } = entry;
  return encodeJson(alike).slice(1);
}

const NOTIFY = { always: "all", mention: "mentions", never: "none" } as const;

function pinnedOf({ historyFrom }: SessionRoom, { pinnedSeq }: RoomAtAGlance): number[] {
  return pinnedSeq !== null && pinnedSeq > historyFrom ? [pinnedSeq] : [];
}

function settingsOf(settings: SessionRoom["settings"], role: Role, type: RoomType): RoomSettings {
  const { muted, mutedUntil, pinned, archivedAt, favourite, notificationLevel, unreadMark } = settings;
  const favorite = favourite;
  const archived = archivedAt !== null;
  const notify = NOTIFY[effectiveLevel(notificationLevel, role, type)];
  const shown: RoomSettings =
    mutedUntil === null
      ? { muted, pinned, archived, favorite, notify }
      : { muted, mutedUntil, pinned, archived, favorite, notify };
  if (unreadMark) shown.unreadMark = true;
  return shown;
}

function settingsJson({
  muted,
  mutedUntil,
  pinned,
  archived,
  favorite,
  notify,
  unreadMark,
}: RoomSettings): string {
  const until = mutedUntil === undefined ? "" : `,"mutedUntil":${mutedUntil}`;
  const mark = unreadMark ? `,"unreadMark":true` : "";
  return `{"muted":${muted}${until},"pinned":${pinned},"archived":${archived},"favorite":${favorite},"notify":"${notify}"${mark}}`;
}

/** Most rooms have few of these. */
function addWhatIsSet(entry: RoomEntry, shown: RoomAtAGlance, publicUrl: string): void {
  const { publicId, description, matrixRoomId, messageTimer, guestCode, organizationId, request } = shown;
  const avatar = pictureUrl(shown, publicUrl);
  if (matrixRoomId !== null) entry.ids.matrix = matrixRoomId;
  if (description) entry.description = description;
  if (avatar !== null) entry.avatar = avatar;
  if (messageTimer) entry.messageTimer = messageTimer;
  if (guestCode !== null) entry.guestLink = guestLinkUrl({ key: publicId, code: guestCode }, publicUrl);
  if (organizationId !== null) entry.organization = String(organizationId);
  if (request) entry.request = true;
}

/** [GW-15.6] What all members have alike in their entries of a room that is not one-to-one. */
export function roomPart(entry: RoomEntry): RoomPart {
  const { room, ids, name, type, members, readOnly, posting, lobby, hasPassword } = entry;
  const { description, avatar, lobbyUntil, messageTimer, guestLink, organization } = entry;
  const part: RoomPart = { room, ids, name, type, members, readOnly, posting, lobby, hasPassword };
  if (description !== undefined) part.description = description;
  if (avatar !== undefined) part.avatar = avatar;
  if (lobbyUntil !== undefined) part.lobbyUntil = lobbyUntil;
  if (messageTimer !== undefined) part.messageTimer = messageTimer;
  if (guestLink !== undefined) part.guestLink = guestLink;
  if (organization !== undefined) part.organization = organization;
  return part;
}

/** A list of rooms is no place for long texts and data: hundreds of them would fill the connection. */
function preview(event: EventFrame): EventFrame {
  if (event.data.data !== undefined) {
    const { data: _, ...data } = event.data;
    return preview({ ...event, data });
  }
  const { text } = event.data;
  if (typeof text !== "string" || text.length <= LIMITS.PREVIEW_CHARACTERS) return event;
  return { ...event, data: { ...event.data, text: cutText(text, LIMITS.PREVIEW_CHARACTERS) } };
}
