/** A step of a Dockerfile: its instruction, its flags (`--from=build`) and what follows them. */
export interface Step {
  readonly instruction: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly rest: string;
}

/** Reads as much of the Dockerfile language as ours uses: comments, continued lines, flags. */
export function parseDockerfile(text: string): Step[] {
  const lines = text
    .split("\n")
    .filter((line) => line.trim() && !line.trim().startsWith("#"))
    .join("\n")
    .replace(/\\\n/g, " ")
    .split("\n");
  return lines.map((line) => {
    const [, instruction = "", tail = ""] = /^\s*(\S+)\s+(.*)$/.exec(line) ?? [];
    const [, flags = "", rest = ""] = /^((?:--\S+\s+)*)(.*)$/.exec(tail) ?? [];
    const entries = flags
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map((flag) => flag.slice(2).split("=", 2));
    return { instruction: instruction.toUpperCase(), flags: Object.fromEntries(entries), rest: rest.trim() };
  });
}

/** The words of a step in the JSON form (`["parley", "healthcheck"]`). @throws where it has the shell's form. */
export function wordsOf(rest: string): string[] {
  const words: unknown = JSON.parse(rest);
  if (!Array.isArray(words) || !words.every((word) => typeof word === "string"))
    throw new Error(`not a list of words: ${rest}`);
  return words;
}
