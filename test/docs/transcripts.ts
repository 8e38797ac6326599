/** A fenced block of a Markdown page. */
export interface Block {
  /** The word after the opening fence, such as `transcript`. */
  readonly kind: string;
  /** Its heading and line in the page, to help a person find it. */
  readonly heading: string;
  readonly line: number;
  readonly lines: readonly string[];
}

/** Returns the fenced blocks of a Markdown page in order. */
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

/** Returns the rows of the first table under a heading, as cells without backticks. */
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
