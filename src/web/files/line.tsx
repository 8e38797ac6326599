/** @jsxImportSource hono/jsx/dom */
import { useMarkup } from "../text/markup.ts";
import { lineOf } from "./file.ts";

/** A message in one line: its text without markup, or what its files are. */
export function Line({ of }: { readonly of: Parameters<typeof lineOf>[0] }) {
  useMarkup(of.content);
  return <>{lineOf(of)}</>;
}
