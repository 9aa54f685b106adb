/** Every line of the log has an event name, and src/LOG-EVENTS.md says of each what it means. */
import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import {
  type CallExpression,
  isCallExpression,
  isPropertyAssignment,
  isStringLiteral,
  type Node,
} from "typescript/unstable/ast";
import { API, type Project, type Symbol as Property } from "typescript/unstable/sync";
import { beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const DOCUMENT = join(root, "src/LOG-EVENTS.md");
/** `noun.what_happened` */
const NAME = /^[a-z]+(?:_[a-z]+)*\.[a-z]+(?:_[a-z]+)*$/;

interface Line {
  place: string;
  level: string;
  /** Null where it is no string literal. */
  event: string | null;
  fields: string[];
}

interface Source {
  file: string;
  text: string;
  project: Project;
}

/** Loggers are found by the type of what they are given, so that no line escapes by its logger's name. */
function linesIn(node: Node, source: Source): Line[] {
  const line = isCallExpression(node) ? lineOf(node, source) : null;
  const lines = line ? [line] : [];
  node.forEachChild((child) => void lines.push(...linesIn(child, source)));
  return lines;
}

function lineOf(call: CallExpression, { file, text, project }: Source): Line | null {
  const { checker } = project;
  const [first] = checker.getResolvedSignature(call)?.getParameters() ?? [];
  const wanted = first && checker.getTypeOfSymbol(first);
  if (!wanted || checker.typeToString(wanted) !== "LogFields") return null;
  const place = `${file}:${text.slice(0, call.getStart()).split("\n").length}`;
  const method = call.expression.getText();
  const level = method.slice(method.lastIndexOf(".") + 1);
  const given = call.arguments[0] && checker.getTypeAtLocation(call.arguments[0]);
  const properties = given ? checker.getPropertiesOfType(given) : [];
  const event = properties.find(({ name }) => name === "event");
  const fields = properties.map(({ name }) => name).filter((name) => name !== "event");
  return { place, level, event: event ? literalOf(event, project) : null, fields };
}

/** The text that a property is given where the object is written; null where that is no literal. */
function literalOf({ valueDeclaration }: Property, project: Project): string | null {
  const made = valueDeclaration?.resolve(project);
  if (!made || !isPropertyAssignment(made) || !isStringLiteral(made.initializer)) return null;
  return made.initializer.text;
}

function readLines(): Line[] {
  const api = new API({ cwd: root });
  try {
    const config = join(root, "tsconfig.json");
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (!project) throw new Error(`${config} can't be read`);
    return project.rootFiles.flatMap((path) => {
      const file = relative(root, path);
      const source = /^(?:src|bridge)\//.test(file) ? project.program.getSourceFile(path) : undefined;
      return source ? linesIn(source, { file, text: source.text, project }) : [];
    });
  } finally {
    api.close();
  }
}

/** The rows of the document's tables: event, level, when, fields, what to do. */
function readDocument(): { event: string; level: string; fields: string[] }[] {
  const rows = readFileSync(DOCUMENT, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  return rows.map((row) => {
    const [event = "", level = "", , fields = ""] = row
      .split("|")
      .slice(1)
      .map((cell) => cell.trim());
    return {
      event: event.replaceAll("`", ""),
      level,
      fields: [...fields.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
    };
  });
}

let lines: Line[];
beforeAll(() => {
  lines = readLines();
}, 300_000);

test("every line has an event name that is a literal of the form noun.what_happened", () => {
  expect(lines.length).toBeGreaterThan(70);
  expect(lines.filter(({ event }) => event === null || !NAME.test(event))).toEqual([]);
});

test("the document lists each event with its level and fields, and no other", () => {
  const written = new Map<string, Set<string>>();
  for (const { event, level, fields } of lines) {
    const key = `${event} ${level}`;
    written.set(key, new Set([...(written.get(key) ?? []), ...fields]));
  }
  const inCode = [...written].map(([key, fields]) => `${key}: ${[...fields].sort().join(", ")}`);
  const listed = readDocument().map(
    ({ event, level, fields }) => `${event} ${level}: ${fields.sort().join(", ")}`,
  );
  expect(listed.sort()).toEqual(inCode.sort());
});

test("an event has one level", () => {
  const levels = new Map(lines.map(({ event, level }) => [event, level]));
  expect(lines.filter(({ event, level }) => levels.get(event) !== level)).toEqual([]);
});
