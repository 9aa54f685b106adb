/** Messages that the server has not acknowledged, kept through a reload; their ids make sending them again safe. */
export interface Unsent {
  room: string;
  id: string;
  text: string;
  replyTo: number | null;
  mentions: readonly string[];
  at: number;
}

/** @param user the sender's UUID: whoever signs in next must not send what somebody else wrote */
export function keptUnsent(user: string): Unsent[] {
  return JSON.parse(sessionStorage.getItem(keyOf(user)) ?? "[]") as Unsent[];
}

export function keepUnsent(user: string, messages: readonly Unsent[]): void {
  sessionStorage.setItem(keyOf(user), JSON.stringify(messages));
}

function keyOf(user: string): string {
  return `causeway.unsent.${user}`;
}
