import { closeSync, openSync, readSync } from "node:fs";
import { ConfigError, IN_FILES } from "../config/config.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The most bytes in such a file. */
const MAX = 16 * 1024;

/**
 * Returns the environment with the secrets that are in files: `ADMIN_TOKEN_FILE=/run/secrets/admin` becomes
 * `ADMIN_TOKEN`. One line break at the end of a file is removed.
 * @throws {ConfigError} names every file that cannot be used. Neither paths nor contents are quoted, because a secret may
 * have been put in the wrong place.
 */
export function withSecretFiles(env: Environment): Environment {
  const read: Record<string, string | undefined> = { ...env };
  const wrong: string[] = [];
  for (const name of IN_FILES) {
    const path = env[`${name}_FILE`];
    if (!path) continue;
    delete read[`${name}_FILE`];
    if (env[name]) wrong.push(`${name} and ${name}_FILE are both set: remove one of them`);
    else {
      try {
        read[name] = contentOf(path);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        wrong.push(`${name}_FILE ${code ? `must name a file that can be read (${code})` : message}`);
      }
    }
  }
  if (wrong.length > 0) throw new ConfigError(wrong.join("\n"));
  return read;
}

function contentOf(path: string): string {
  const file = openSync(path, "r");
  try {
    // It may be a pipe, which has no size and arrives in parts.
    const bytes = Buffer.alloc(MAX + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length < bytes.length; length += got)
      got = readSync(file, bytes, length, bytes.length - length, null);
    if (length > MAX) throw new Error(`must name a file of at most ${MAX} bytes`);
    const text = decode(bytes.subarray(0, length)).replace(/\r?\n$/, "");
    if (text === "") throw new Error("must not name an empty file");
    return text;
  } finally {
    closeSync(file);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("must name a file of text in UTF-8");
  }
}
