import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { babelParse } from "vue/compiler-sfc";

const WEB = join(import.meta.dir, "../../src/web");
/** Attributes that people read or hear. */
const SAID = new Set([
  "aria-label",
  "aria-description",
  "aria-placeholder",
  "aria-roledescription",
  "alt",
  "label",
  "placeholder",
  "title",
]);
/** Text that is the same in every language. */
const SAME = /^(?:Parley|[^\p{L}]*)$/u;

interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

test("no component has a text of its own: all are in words/", async () => {
  const found: string[] = [];
  const files = readdirSync(WEB, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".tsx"),
  );
  for (const file of files) {
    const note = (node: Node, text: unknown) => {
      if (!SAME.test(String(text).trim()))
        found.push(`${file}:${node.loc.start.line}: ${String(text).trim()}`);
    };
    /** Notes the texts that an expression can be, such as `isNew ? "Sign up" : "Sign in"`. */
    const texts = (node: Node): void => {
      const { type, value, expression } = node;
      if (type === "StringLiteral") note(node, value);
      if (type === "JSXExpressionContainer") texts(expression as Node);
      if (type === "ConditionalExpression")
        [node.consequent, node.alternate].forEach((part) => texts(part as Node));
      if (type === "TemplateLiteral")
        (node.quasis as Node[]).forEach((part) => note(part, (part.value as { cooked: string }).cooked));
      if (type === "LogicalExpression" || (type === "BinaryExpression" && node.operator === "+"))
        [node.left, node.right].forEach((part) => texts(part as Node));
    };
    const visit = (node: Node): void => {
      if (node.type === "JSXText") note(node, node.value);
      if (node.type === "JSXElement" || node.type === "JSXFragment")
        for (const child of node.children as Node[])
          if (child.type === "JSXExpressionContainer") texts(child);
      if (node.type === "JSXAttribute" && SAID.has((node.name as { name: string }).name) && node.value)
        texts(node.value as Node);
      for (const part of Object.values(node).flat()) if (isNode(part)) visit(part);
    };
    const source = await Bun.file(join(WEB, file)).text();
    visit(babelParse(source, { sourceType: "module", plugins: ["typescript", "jsx"] }) as unknown as Node);
  }
  expect(found).toEqual([]);
});

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "loc" in value;
