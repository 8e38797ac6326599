/** @jsxImportSource hono/jsx/dom */
import { type Block, blocksOf } from "./blocks.ts";
import { CodeBlock } from "./code.tsx";
import type { Inline } from "./inline.ts";
import { namesIn } from "../mentions/text.ts";

export { plainOf } from "./blocks.ts";

/** Whom a message mentions, by username: whether it is the reader. */
export type Mentioned = ReadonlyMap<string, boolean>;

/** Those of the text that is being drawn. Drawing takes one turn. */
let mentioned: Mentioned | undefined;

/** The text of a message, with its markup as elements. */
export function draw(content: string, whom?: Mentioned) {
  mentioned = whom;
  return blocksOf(content).map(drawBlock);
}

/** A text, in which the names of people whom the message mentions stand out. */
function drawText(text: string) {
  const names = mentioned && text.includes("@") ? namesIn(text, (name) => mentioned?.has(name) === true) : [];
  if (names.length === 0) return text;
  let at = 0;
  const pieces = names.flatMap(({ name, from, to }) => {
    const before = text.slice(at, from);
    at = to;
    return [
      before,
      <span class={mentioned?.get(name) ? "mention mine" : "mention"}>{text.slice(from, to)}</span>,
    ];
  });
  return <>{[...pieces, text.slice(at)]}</>;
}

function drawBlock(block: Block) {
  switch (block.kind) {
    case "text":
      return block.inside.map(drawInline);
    case "code":
      return <CodeBlock language={block.language} text={block.text} />;
    case "quote":
      return <blockquote dir="auto">{block.inside.map(drawBlock)}</blockquote>;
    case "list": {
      const items = block.items.map(({ marker, inside }) => (
        <li dir="auto">
          <span class="marker">{marker} </span>
          {inside.map(drawBlock)}
        </li>
      ));
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

function drawInline(piece: Inline) {
  if (typeof piece === "string") return drawText(piece);
  if (piece.kind === "code") return <code dir="ltr">{piece.text}</code>;
  const inside = piece.inside.map(drawInline);
  if (piece.kind === "link")
    return (
      <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow ugc">
        {inside}
        {piece.host && <bdi class="host"> ({piece.host})</bdi>}
      </a>
    );
  const { kind: Tag } = piece;
  return <Tag>{inside}</Tag>;
}
