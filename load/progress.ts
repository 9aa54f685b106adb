/** What the person at the terminal sees while a scenario runs: a bar for each step, or a line where there is no terminal. */
import cliProgress from "cli-progress";

export interface Progress {
  /** Begins a step; the one before is finished. */
  step(title: string, total: number): void;
  /** How far the step is, of its total, with a word on how it goes. */
  at(done: number, note?: string): void;
  /** Counts a step of time: `total` was given in seconds. Returns how to end it. */
  overTime(title: string, seconds: number): { note(text: string): void; end(): void };
  finish(): void;
}

const TICK_MS = 250;

export function createProgress(isShown: boolean): Progress {
  let bar: cliProgress.SingleBar | null = null;
  const progress: Progress = {
    step: (title, total) => {
      progress.finish();
      if (!isShown || !process.stderr.isTTY) {
        process.stderr.write(`… ${title}\n`);
        return;
      }
      bar = new cliProgress.SingleBar(
        {
          format: "{title} {bar} {percentage} % {note}",
          hideCursor: true,
          stream: process.stderr,
          etaBuffer: 50,
        },
        cliProgress.Presets.rect,
      );
      bar.start(Math.max(1, total), 0, { title: title.padEnd(38), note: "" });
    },
    at: (done, note = "") => bar?.update(done, { note }),
    overTime: (title, seconds) => {
      progress.step(title, seconds);
      const since = performance.now();
      let note = "";
      const timer = setInterval(() => {
        progress.at(Math.min(seconds, (performance.now() - since) / 1000), note);
      }, TICK_MS);
      return {
        note: (text) => {
          note = text;
        },
        end: () => {
          clearInterval(timer);
          progress.at(seconds, note);
        },
      };
    },
    finish: () => {
      bar?.stop();
      bar = null;
    },
  };
  return progress;
}
