/** The list of rooms: name, last message, what is unread. */
import type { Room } from "../client/rooms.ts";
import { avatar } from "./elements/avatar.ts";
import { element } from "./elements/element.ts";
import { nameOf } from "./elements/names.ts";
import { shortTime } from "./elements/times.ts";

export interface RoomList {
  show(rooms: readonly Room[], current: string | null): void;
}

export function roomName(room: Pick<Room, "name" | "room">): string {
  return room.name === "" ? `Room ${room.room}` : room.name;
}

/** Buttons are kept and changed in place, so that the focus stays where it is. */
export function createRoomList(nav: HTMLElement, onChoose: (room: string) => void): RoomList {
  const buttons = new Map<string, HTMLButtonElement>();
  const buttonOf = (room: string) => {
    const known = buttons.get(room);
    if (known) return known;
    const button = element("button", { type: "button", onclick: () => onChoose(room) });
    button.dataset.room = room;
    buttons.set(room, button);
    return button;
  };
  return {
    show(rooms, current) {
      const shown = rooms.map((room) => {
        const button = buttonOf(room.room);
        button.replaceChildren(...entryOf(room));
        button.ariaCurrent = room.room === current ? "true" : null;
        return button;
      });
      const focused = document.activeElement;
      if (!sameOrder(nav.children, shown)) nav.replaceChildren(...(shown.length > 0 ? shown : [nothing()]));
      if (focused instanceof HTMLElement && nav.contains(focused)) focused.focus({ preventScroll: true });
    },
  };
}

function entryOf(room: Room): Node[] {
  const { last } = room;
  const name = element("span", { className: "name", dir: "auto" }, roomName(room));
  const time = element("time", {}, last ? shortTime(last.at) : "");
  const preview = element("small", { dir: "auto" }, previewOf(room));
  const badges = element("span", { className: "badges" }, ...badgesOf(room));
  return [avatar(room.room, roomName(room)), name, time, preview, badges];
}

function badgesOf({ unread, mention, call }: Room): Node[] {
  const badges: Node[] = [];
  if (call > 0) badges.push(element("span", { className: "badge call", title: "A call is running" }, "☎"));
  if (mention > 0) badges.push(badge("mention", "@", `${mention} unread mentions`));
  if (unread > 0) badges.push(badge("", unread > 99 ? "99+" : String(unread), `${unread} unread messages`));
  return badges;
}

function badge(kind: string, text: string, label: string): HTMLElement {
  return element(
    "span",
    { className: `badge ${kind}`.trim(), role: "img", ariaLabel: label, title: label },
    text,
  );
}

function previewOf({ last }: Room): string {
  if (!last) return "No messages yet";
  return last.data.deleted === true ? "Message deleted" : `${nameOf(last.actor)}: ${String(last.data.text)}`;
}

function nothing(): HTMLElement {
  return element("p", { className: "empty" }, "You are in no room yet.");
}

function sameOrder(children: HTMLCollection, wanted: readonly Element[]): boolean {
  return children.length === wanted.length && wanted.every((child, index) => children[index] === child);
}
