import { readFileSync } from "node:fs";

/** What a process asked of the file system. Paths are relative to the recorded folder. */
export type Operation =
  | { do: "create" | "mkdir" | "remove"; path: string }
  | { do: "open"; path: string; fd: number }
  | { do: "close" | "sync"; fd: number }
  | ({ do: "write"; at: number } & Target)
  | ({ do: "truncate"; size: number } & Target)
  | { do: "rename"; path: string; to: string }
  /** A worker sent an answer. */
  | { do: "answer" }
  /** The workload says something, such as what was acknowledged. */
  | { do: "note"; what: unknown };

type Target = { path: string; fd?: undefined } | { fd: number; path?: undefined };

export interface Entry {
  readonly operation: Operation;
  /** What was written. */
  readonly data: Buffer;
}

/** Reads what the recorder has written. */
export function readLog(path: string): Entry[] {
  const bytes = readFileSync(path);
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length;) {
    const head = at + 8;
    const data = head + bytes.readUInt32LE(at);
    const end = data + bytes.readUInt32LE(at + 4);
    entries.push({
      operation: JSON.parse(bytes.toString("utf8", head, data)),
      data: bytes.subarray(data, end),
    });
    at = end;
  }
  return entries;
}
