/** `npm run pack:client`: builds the package and packs it. */
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { buildClientPackage } from "./pack.ts";

const root = resolve(import.meta.dirname, "../../..");
const out = resolve(root, "dist/client-package");
buildClientPackage(root, out);
execFileSync("npm", ["pack", "--pack-destination", resolve(root, "dist")], { cwd: out, stdio: "inherit" });
