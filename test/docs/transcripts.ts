/** A fenced block of a Markdown page. */
export interface Block {
  /** What stands after the opening fence, such as `transcript`. */
  readonly kind: string;
  /** The heading it stands under, and its line in the page: how a person finds it. */
  readonly heading: string;
  readonly line: number;
  readonly lines: readonly string[];
}

/** The fenced blocks of a Markdown page, in their order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let open: { kind: string; line: number; lines: string[] } | undefined;
  markdown.split("\n").forEach((text, index) => {
    const fence = /^```(\w*)/.exec(text);
    if (open && fence) {
      blocks.push({ ...open, heading });
      open = undefined;
    } else if (open) open.lines.push(text);
    else if (fence) open = { kind: fence[1] ?? "", line: index + 1, lines: [] };
    else heading = /^#+ (.*)/.exec(text)?.[1] ?? heading;
  });
  return blocks;
}

/** The cells of the first table under a heading of that text, row by row, without backticks. */
export function tableOf(markdown: string, heading: string): string[][] {
  const [, section = ""] = markdown.split(new RegExp(`^#+ ${heading}$`, "m"));
  const [own = ""] = section.split(/^#+ /m);
  const [table = ""] = /^\|.*(\n\|.*)*/m.exec(own) ?? [];
  return table
    .split("\n")
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("`", "").replaceAll("\\|", "|")),
    );
}
