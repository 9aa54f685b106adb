/** Files that the server and the page read as they are: SQL, Lua, HTML, CSS and pictures. */
import { copyFileSync, existsSync, mkdirSync, watch } from "node:fs";
import { dirname, join } from "node:path";

const ASSET = /\.(?:sql|lua|html|css|svg|txt)$/;
/** An editor that saves a file makes several events. */
const QUIET_MS = 50;

/** Copies each one that changes below `from` to the same place below `to`, and then calls `onCopied`. */
export function watchAssets(from: string, to: string, onCopied: () => void): { close(): void } {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const copy = () => {
    for (const name of changed) {
      if (!existsSync(join(from, name))) continue;
      mkdirSync(dirname(join(to, name)), { recursive: true });
      copyFileSync(join(from, name), join(to, name));
    }
    changed.clear();
    onCopied();
  };
  return watch(from, { recursive: true }, (_, name) => {
    if (name === null || !ASSET.test(name)) return;
    changed.add(name);
    clearTimeout(timer);
    timer = setTimeout(copy, QUIET_MS);
  });
}
