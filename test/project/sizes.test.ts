/** Nothing is longer than a newcomer can look over: no function, no file, and no folder's list of files. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** Lines of a function, those of the named functions in it not counted: they are read, and counted, by themselves. */
const MAX_FUNCTION_LINES = 40;
const MAX_FILE_LINES = 300;
const MAX_FOLDER_FILES = 16;

/** Folders that hold more, each with the reason. */
const LONG_FOLDERS: Record<string, string> = {
  "src/store/schema/migrations": "one numbered list, which only grows",
};

interface Node {
  type: string;
  start: number;
  end: number;
  [property: string]: unknown;
}

interface FunctionSize {
  name: string;
  ownLines: number;
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
/** What gives a function expression its name. */
const NAMING = new Set(["VariableDeclarator", "Property", "PropertyDefinition", "MethodDefinition"]);

/** Paths of all files of some folders, as `src/app/server.ts`. */
function filesOf(...folders: string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(root.length + 1)
          .split(sep)
          .join("/"),
      )
      .filter((path) => !path.startsWith("load/reports/")),
  );
}

/** Every named function of a source text, with the lines that are its own. */
function functionSizes(file: string, text: string): FunctionSize[] {
  const { program, errors } = parseSync(file, text);
  expect(errors, file).toEqual([]);
  const found: FunctionSize[] = [];
  const around: FunctionSize[] = [];
  const lines = ({ start, end }: Node) => text.slice(start, end).split("\n").length;

  function visit(node: Node, parent: Node | null): void {
    const isNamed = node.type === "FunctionDeclaration" || (parent !== null && NAMING.has(parent.type));
    const counts = FUNCTIONS.has(node.type) && node.body && isNamed;
    if (counts) {
      const size = { name: nameOf(node, parent), ownLines: lines(node) };
      const outer = around.at(-1);
      if (outer) outer.ownLines -= size.ownLines;
      found.push(size);
      around.push(size);
    }
    for (const child of childrenOf(node)) visit(child, node);
    if (counts) around.pop();
  }
  visit(program as unknown as Node, null);
  return found;
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Node => typeof (value as Node | null)?.type === "string");
}

function nameOf(node: Node, parent: Node | null): string {
  const named = (node.id ?? parent?.id ?? parent?.key) as { name?: string } | null;
  return named?.name ?? "?";
}

test("the measure counts a function without the named functions in it", () => {
  const text = `function outer() {
    const inner = () => {
      return 1;
    };
    list.map((each) => {
      return each;
    });
    return { method() {
      return inner;
    } };
  }`;
  expect(functionSizes("example.ts", text)).toEqual([
    { name: "outer", ownLines: 5 },
    { name: "inner", ownLines: 3 },
    { name: "method", ownLines: 3 },
  ]);
});

describe("sizes", () => {
  test(`no function of src and bridge has more than ${MAX_FUNCTION_LINES} lines of its own`, () => {
    const sources = filesOf("src", "bridge").filter((path) => path.endsWith(".ts"));
    expect(sources.length).toBeGreaterThan(100);
    const long = sources.flatMap((path) =>
      functionSizes(path, readFileSync(join(root, path), "utf8"))
        .filter(({ ownLines }) => ownLines > MAX_FUNCTION_LINES)
        .map(({ name, ownLines }) => `${path}: ${name} has ${ownLines}`),
    );
    expect(long).toEqual([]);
  });

  test(`no source file has more than ${MAX_FILE_LINES} lines`, () => {
    const sources = filesOf("src", "bridge", "load", "dev").filter((path) => path.endsWith(".ts"));
    const long = sources
      .map((path) => [path, readFileSync(join(root, path), "utf8").trimEnd().split("\n").length] as const)
      .filter(([, lines]) => lines > MAX_FILE_LINES);
    expect(long).toEqual([]);
  });

  test(`no folder holds more than ${MAX_FOLDER_FILES} files, unless there is a reason`, () => {
    const counts = new Map<string, number>();
    for (const path of filesOf("src", "bridge", "load", "dev", "test")) {
      counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    }
    const full = [...counts].filter(
      ([folder, count]) => count > MAX_FOLDER_FILES && !(folder in LONG_FOLDERS),
    );
    expect(full, "use a file of the noun that is there, or move a noun to a folder of its own").toEqual([]);
  });
});
