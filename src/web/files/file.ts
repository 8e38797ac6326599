import type { Message, MessageFile } from "../../client/index.ts";
import { plainNow } from "../text/markup.ts";
import { fileWords } from "../words/files.ts";

/** A picture that the server has encoded, so that it can be shown. */
export type Picture = MessageFile & { readonly width: number; readonly height: number };

export const isPicture = <T extends Pick<MessageFile, "width" | "height">>(
  file: T,
): file is T & Pick<Picture, "width" | "height"> => file.width !== undefined && file.height !== undefined;

/** How the page shows a file that is no picture. */
export function playsAs({ type }: Pick<MessageFile, "type">): "audio" | "video" | undefined {
  const [kind] = type.split("/");
  return kind === "audio" || kind === "video" ? kind : undefined;
}

/** Contents that the server knows by their bytes. Others are called after the ending of their name. */
const KINDS: Readonly<Record<string, string>> = {
  "application/pdf": "PDF",
  "application/gzip": "GZIP",
  "image/jpeg": "JPEG",
  "image/png": "PNG",
  "image/gif": "GIF",
  "image/webp": "WebP",
  "image/avif": "AVIF",
  "image/heic": "HEIC",
};

/** What kind of file it is, in a word. */
export function kindOf({ name, type }: Pick<MessageFile, "name" | "type">): string {
  const known = KINDS[type];
  if (known) return known;
  const ending = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1]?.toUpperCase();
  const plays = playsAs({ type });
  return ending ?? (plays ? fileWords[plays] : type === "text/plain" ? fileWords.text : fileWords.file);
}

/** What the page has to know of a file to name it. */
type Named = Pick<MessageFile, "name" | "type" | "width" | "height" | "alt">;
/** A message, as far as its line is concerned. */
type Said = Pick<Message, "content"> & { readonly files?: readonly Named[] | undefined };

/** What files are, in words: "Picture", "3 files". */
export function inWords(files: readonly Named[]): string {
  if (files.every(isPicture)) return fileWords.pictures(files.length);
  const [only] = files;
  const plays = files.length === 1 && only ? playsAs(only) : undefined;
  return plays ? fileWords[plays] : fileWords.files(files.length);
}

/** A message in one line: its text without markup, or else what its files are. */
export const lineOf = ({ content, files }: Said): string =>
  content === "" && files ? inWords(files) : plainNow(content);

/** What is heard of a message: its text, and what its files are and show. */
export function heardOf({ content, files }: Said): string {
  if (!files) return plainNow(content);
  const said = files.map((file) => file.alt ?? file.name);
  return [plainNow(content), `${inWords(files)}: ${said.join(", ")}`].filter(Boolean).join(" – ");
}
