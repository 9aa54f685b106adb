/** The demo's listeners: each keeps the lines that it received, in order of arrival, shows them, and checks them at the end. */

export interface Listener {
  /** `Bob, Matrix` */
  readonly name: string;
  readonly received: readonly string[];
  receive(from: string, text: string): void;
}

export interface Listeners {
  add(name: string): Listener;
  /** Resolves when each listener has received the texts. @throws Error that names the missing texts */
  untilReceived(texts: readonly string[]): Promise<void>;
  /** All differences between the received lines and `spoken`, the lines that were sent, in order. */
  faults(spoken: readonly string[]): string[];
}

const LIMIT_MS = 30_000;

/** @param show is called with each line as it arrives */
export function createListeners(show: (listener: string, from: string, text: string) => void): Listeners {
  const listeners: Listener[] = [];
  const waiting = new Set<() => void>();
  const lacking = (texts: readonly string[]) =>
    listeners.flatMap(({ name, received }) =>
      texts.filter((text) => !received.includes(text)).map((text) => `${name} did not hear “${text}”`),
    );

  return {
    add(name) {
      const received: string[] = [];
      const receive = (from: string, text: string) => {
        received.push(text);
        show(name, from, text);
        for (const look of [...waiting]) look();
      };
      const listener = { name, received, receive };
      listeners.push(listener);
      return listener;
    },
    untilReceived: (texts) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          settle();
        };
        const timer = setTimeout(() => {
          end(() => reject(new Error(`${lacking(texts).join("; ")} within ${LIMIT_MS / 1000} s`)));
        }, LIMIT_MS);
        const look = () => {
          if (lacking(texts).length === 0) end(resolve);
        };
        waiting.add(look);
        look();
      }),
    faults: (spoken) => listeners.flatMap(({ name, received }) => faultsOf(name, spoken, received)),
  };
}

/** What is missing, doubled, too much or out of order in `heard`, each in words. */
export function faultsOf(name: string, spoken: readonly string[], heard: readonly string[]): string[] {
  const faults = spoken.flatMap((text) => {
    const times = heard.filter((one) => one === text).length;
    if (times === 1) return [];
    return [times === 0 ? `${name}: “${text}” is missing` : `${name}: “${text}” came ${times} times`];
  });
  faults.push(
    ...heard.filter((text) => !spoken.includes(text)).map((text) => `${name}: “${text}” was never said`),
  );
  if (faults.length > 0) return faults;
  const first = heard.findIndex((text, i) => text !== spoken[i]);
  return first < 0 ? [] : [`${name}: out of order, “${heard[first]}” came where “${spoken[first]}” was said`];
}
