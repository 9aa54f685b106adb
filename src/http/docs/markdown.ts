/** Documents that are written in Markdown, as HTML for the pages under `/docs`. They are our own: nothing is sanitized. */
import { readFileSync } from "node:fs";
import { toText } from "hast-util-to-text";
import { raw } from "hono/html";
import rehypeSlug from "rehype-slug";
import rehypeStringify from "rehype-stringify";
import remarkGfm from "remark-gfm";
import remarkParse from "remark-parse";
import remarkRehype from "remark-rehype";
import { unified } from "unified";
import type { Html } from "./page.ts";

const toHtml = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkRehype)
  // Headings get ids, so that links to sections work as they do in a repository.
  .use(rehypeSlug)
  .use(rehypeStringify)
  .freeze();

/** @param name the file, seen from the folder `src` */
export function readDocument(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
}

export interface Section {
  /** Of its heading's element. */
  id: string;
  title: string;
}

/** @returns the text as HTML, and its sections of the second level for a list of contents */
export function markdown(text: string): { content: Html; sections: Section[] } {
  const tree = toHtml.runSync(toHtml.parse(text));
  const sections = tree.children
    .filter((node) => node.type === "element" && node.tagName === "h2")
    .map((heading) => ({
      id: String("properties" in heading ? heading.properties.id : ""),
      title: toText(heading),
    }));
  return { content: raw(toHtml.stringify(tree)), sections };
}
