/** Documents and comments name files and folders of this repository. Each of them has to exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const FOLDERS = ["src", "bridge", "load", "dev", "test", "deploy"];

/** Load scripts write their reports there; the repository has none of them. */
const REPORTS = "load/reports/";

/** Every file of the project, as `src/app/server.ts`. */
const FILES = [
  ...readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
      .filter((path) => !path.startsWith(REPORTS)),
  ),
];
const NAMES = new Set(FILES.map((path) => basename(path)));

/** A file, with the folders before its name that the text tells. Names in capitals stand for any file. */
const FILE_NAME = /(?<![\w./@-])(?:\.{0,2}\/)?(?:[\w@.-]+\/)*[\w@][\w@.-]*\.(?:ts|sql|lua)\b/g;
const PLACEHOLDER = /^[A-Z]+\.\w+$/;
/** A path from the root on, in backticks. `<…>`, `…` and `*` stand for any name: the folder before them is looked up. */
const ROOTED = /`((?:src|bridge|load|dev|test|deploy)\/(?:[^`\s<>…*,/]+\/)*(?:[^`\s<>…*,/]+(?=[`\s,]))?)/g;
const LINK = /\]\(([^)\s#]+)[^)]*\)/g;

function exists(named: string, from: string): boolean {
  const name = named.replace(/^(?:\.{1,2}\/)+/, "");
  if (!name.includes("/")) return NAMES.has(name);
  return (
    existsSync(resolve(root, dirname(from), named)) || FILES.some((path) => `/${path}`.endsWith(`/${name}`))
  );
}

/** Names in `text` of files that are not there. */
function missing(file: string, text: string): string[] {
  const names = [...text.matchAll(FILE_NAME)].map(([name]) => name);
  return names
    .filter((name) => !PLACEHOLDER.test(name) && !exists(name, file))
    .map((name) => `${file}: ${name}`);
}

const read = (file: string) => readFileSync(join(root, file), "utf8");
const DOCUMENTS = FILES.filter((file) => file.endsWith(".md") && file !== "CHANGELOG.md");

test("the links of documents lead to files and folders", () => {
  expect(DOCUMENTS.length).toBeGreaterThan(10);
  const broken = DOCUMENTS.flatMap((file) =>
    [...read(file).matchAll(LINK)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(resolve(root, dirname(file), target)))
      .map((target) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("paths and file names in documents are there", () => {
  const wrong = DOCUMENTS.flatMap((file) => {
    const rooted = [...read(file).matchAll(ROOTED)].map(([, path = ""]) => path);
    const lost = rooted
      .filter((path) => path !== REPORTS && !existsSync(join(root, path)))
      .map((path) => `${file}: ${path}`);
    return [...lost, ...missing(file, read(file))];
  });
  expect(wrong).toEqual([]);
});

test("files that comments name are there", () => {
  const sources = FILES.filter((file) => /\.(?:ts|sql|lua)$/.test(file));
  const comments = (file: string) =>
    read(file)
      .split("\n")
      .filter((line) => /^\s*(?:\/\/|\/?\*|--)/.test(line))
      .join("\n");
  expect(sources.flatMap((file) => missing(file, comments(file)))).toEqual([]);
});
