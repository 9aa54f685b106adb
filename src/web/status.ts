/** The lines that say how things are: who we are, the connection, the room, and who is in it. */
import type { ConnectionState } from "../client/reconnecting-connection.ts";
import { find } from "./elements/element.ts";
import type { People } from "./people.ts";

export interface Status {
  me(name: string): void;
  /** @param waiting messages that are not acknowledged */
  connection(state: ConnectionState, waiting: number): void;
  unread(count: number): void;
  room(name: string, people: People): void;
}

const CONNECTION: Record<ConnectionState["name"], string> = {
  idle: "Connecting…",
  connecting: "Connecting…",
  online: "Online",
  waiting: "Reconnecting…",
  ended: "Signed out",
};

export function createStatus(): Status {
  const me = find("#me", HTMLElement);
  const state = find("#state", HTMLElement);
  const roomName = find("#room-name", HTMLElement);
  const presence = find("#presence", HTMLElement);
  const typing = find("#typing", HTMLElement);
  return {
    me: (name) => say(me, name),
    connection({ name }, waiting) {
      // The attempts of one outage are one state to people.
      const shown = name === "connecting" && state.dataset.state === "waiting" ? "waiting" : name;
      state.dataset.state = shown;
      const unsent = shown === "waiting" && waiting > 0 ? ` ${waiting} unsent` : "";
      say(state, CONNECTION[shown] + unsent);
    },
    unread(count) {
      document.title = count > 0 ? `(${count}) Causeway` : "Causeway";
    },
    room(name, people) {
      say(roomName, name);
      const { present, writing } = people;
      say(presence, present.length > 0 ? `${list(present)} here` : "");
      const verb = writing.length === 1 ? "is" : "are";
      say(typing, writing.length > 0 ? `${list(writing)} ${verb} writing…` : "");
    },
  };
}

/** Screen readers hear a line that changes; one that stays the same must not be touched. */
function say(line: HTMLElement, text: string): void {
  if (line.textContent !== text) line.textContent = text;
}

function list(names: readonly string[]): string {
  const [first = "", second, ...more] = names;
  if (second === undefined) return first;
  return more.length === 0 ? `${first} and ${second}` : `${first}, ${second} and ${more.length} more`;
}
