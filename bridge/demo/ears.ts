/** Who hears what in the demo: every line is kept in order of arrival, shown at once, and judged at the end. */

export interface Ear {
  /** `Bob, Matrix` */
  readonly name: string;
  readonly heard: readonly string[];
  hear(from: string, text: string): void;
}

export interface Ears {
  add(name: string): Ear;
  /** Resolves when everybody has heard the texts. @throws Error that names who lacks which */
  untilHeard(texts: readonly string[]): Promise<void>;
  /** Everything that is wrong with what was heard, if `spoken` is what was said in this order. */
  faults(spoken: readonly string[]): string[];
}

const LIMIT_MS = 30_000;

/** `show` is given each line as it arrives. */
export function createEars(show: (ear: string, from: string, text: string) => void): Ears {
  const ears: Ear[] = [];
  const waiting = new Set<() => void>();
  const lacking = (texts: readonly string[]) =>
    ears.flatMap(({ name, heard }) =>
      texts.filter((text) => !heard.includes(text)).map((text) => `${name} did not hear “${text}”`),
    );

  return {
    add(name) {
      const heard: string[] = [];
      const hear = (from: string, text: string) => {
        heard.push(text);
        show(name, from, text);
        for (const look of [...waiting]) look();
      };
      const ear = { name, heard, hear };
      ears.push(ear);
      return ear;
    },
    untilHeard: (texts) =>
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
    faults: (spoken) => ears.flatMap(({ name, heard }) => faultsOf(name, spoken, heard)),
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
