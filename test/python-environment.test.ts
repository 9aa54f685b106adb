/** The cached Python environment: made once, by one process, whole or not at all. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { cacheFolder, hasPythonEnvironment, pythonEnvironment } from "../bridge/local/python.ts";
import { findPython } from "../bridge/local/python-interpreter.ts";

let cacheDir: string;
let wheel: string;

/** A package that needs no network: one module and its metadata in an archive. */
const MAKE_WHEEL = `
import sys, zipfile
info = "tiny-1.0.dist-info/"
files = {
    "tiny.py": "answer = 42\\n",
    info + "METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n",
    info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}
record = "".join(f"{name},,\\n" for name in [*files, info + "RECORD"])
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name, text in {**files, info + "RECORD": record}.items():
        archive.writestr(name, text)
`;

beforeAll(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), "causeway-cache-"));
  wheel = join(cacheDir, "tiny-1.0-py3-none-any.whl");
  execFileSync(await findPython(), ["-c", MAKE_WHEEL, wheel]);
});
afterAll(() => rmSync(cacheDir, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

describe("pythonEnvironment", () => {
  const request = () => ({ name: "tiny-1.0", packages: [wheel], cacheDir });

  test("two that ask at once get one environment, made once", async () => {
    const said: string[] = [];
    const onProgress = (line: string) => said.push(line);
    const [one, two] = await Promise.all([
      pythonEnvironment({ ...request(), onProgress }),
      pythonEnvironment({ ...request(), onProgress }),
    ]);
    expect(one).toEqual(two);
    expect(execFileSync(one.python, ["-c", "import tiny; print(tiny.answer)"], { encoding: "utf8" })).toBe(
      "42\n",
    );
    expect(said.filter((line) => line.startsWith("Setting up"))).toHaveLength(1);
    expect(said.filter((line) => line.startsWith("Waiting"))).toHaveLength(1);
  });

  test("one that was cut off half-way is not used but made anew", async () => {
    const { folder } = await pythonEnvironment(request());
    writeFileSync(join(folder, ".causeway-changing"), "");
    writeFileSync(join(folder, "left-over"), "");
    expect(hasPythonEnvironment(request())).toBe(false);
    await pythonEnvironment(request());
    expect(existsSync(join(folder, "left-over"))).toBe(false);
    expect(hasPythonEnvironment(request())).toBe(true);
  });

  test("a folder that is no environment of ours is left alone", async () => {
    mkdirSync(join(cacheDir, "photos"));
    writeFileSync(join(cacheDir, "photos", "cat.jpg"), "");
    await expect(pythonEnvironment({ ...request(), name: "photos" })).rejects.toThrow(/Move it away/);
    expect(existsSync(join(cacheDir, "photos", "cat.jpg"))).toBe(true);
  });

  test("no Python and no PyPI are told in one line each", async () => {
    const nowhere = { ...request(), name: "nowhere", python: join(cacheDir, "no-python") };
    await expect(pythonEnvironment(nowhere)).rejects.toThrow(/^no Python ≥ 3\.10 found\. Install .*$/);
    vi.stubEnv("PIP_INDEX_URL", "http://127.0.0.1:9/simple");
    const unknown = { ...request(), packages: ["matrix-synapse==0.0.1"] };
    await expect(pythonEnvironment(unknown)).rejects.toThrow(/^PyPI can't be reached\. .*$/);
  });

  test("the cache is where the user wants it", () => {
    expect(cacheFolder("/given", {})).toBe("/given");
    expect(cacheFolder(undefined, { CAUSEWAY_CACHE_DIR: "/own", XDG_CACHE_HOME: "/xdg" })).toBe("/own");
    expect(cacheFolder("", { XDG_CACHE_HOME: "/xdg" })).toBe("/xdg/causeway");
    expect(cacheFolder(undefined, {})).toMatch(/\/\.cache\/causeway$/);
  });
});
