import { FILE_NAME_MAX } from "../protocol/files.ts";
import { normalized } from "../protocol/text.ts";

/** What a file without a usable name is called. */
const NAMELESS = "file";
/** Names are cut to this many UTF-16 units before anything else looks at them. */
const READ_MAX = 4 * FILE_NAME_MAX;

/**
 * What has no place in a name: controls, what changes direction, what cannot be seen, and what systems reserve. Joiners stay,
 * because some scripts and emoji need them.
 */
const UNFIT =
  /[\p{Cc}\p{Cn}\p{Co}\p{Zl}\p{Zp}\p{Bidi_Control}[\p{Default_Ignorable_Code_Point}--[\u200c\u200d\ufe0f]]"*:<>?\|]/gv;

/**
 * Returns a name that is safe to show and to save, whatever was given: the last part of a path, without what is unfit, and
 * short enough. A long name keeps its ending.
 */
export function fileName(given: string): string {
  const end = given.length > READ_MAX ? given.slice(0, READ_MAX / 2) + given.slice(-READ_MAX / 2) : given;
  const last = end.toWellFormed().split(/[/\\]/).at(-1) ?? "";
  const clean = (normalized(last, "NFC", READ_MAX) ?? "")
    .replace(UNFIT, "")
    .replace(/\s+/g, " ")
    .replace(/^[ .]+|[ .]+$/g, "");
  const points = [...clean];
  if (points.length === 0) return NAMELESS;
  if (points.length <= FILE_NAME_MAX) return clean;
  const ending = /\.[^. ]{1,12}$/u.exec(clean)?.[0] ?? "";
  return points.slice(0, FILE_NAME_MAX - [...ending].length).join("") + ending;
}

/** Returns the `Content-Disposition` that saves a file under this name (RFC 6266, with the encoding of RFC 8187). */
export function dispositionOf(kind: "inline" | "attachment", name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
