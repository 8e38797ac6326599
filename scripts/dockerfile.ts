/** A step of a Dockerfile: its instruction, its flags (such as `--from=build`) and its arguments. */
export interface Step {
  readonly instruction: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly rest: string;
}

/** Parses the part of the Dockerfile language that this project uses: comments, line continuations and flags. */
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

/** Returns the words of a step in exec form (`["parley", "healthcheck"]`). @throws {Error} if it has the shell form. */
export function wordsOf(rest: string): string[] {
  const words: unknown = JSON.parse(rest);
  if (!Array.isArray(words) || !words.every((word) => typeof word === "string"))
    throw new Error(`not a JSON list of strings: ${rest}`);
  return words;
}
