import { FILES_MAX } from "../../protocol/filelimits.ts";
import type { Talk } from "../composer/talk.ts";
import { uuid } from "../composer/uuid.ts";
import type { Attachment } from "../composer/drafts.ts";
import { fileWords } from "../words/files.ts";
import type { Chosen } from "./chosen.ts";

/** Larger pictures are not measured: decoding them could take all of a phone's memory. In bytes. */
const MEASURED_MAX = 40 * 1024 * 1024;
/** The kinds of which the server makes previews. */
const SHOWN = /^image\/(?:jpeg|png|gif|webp)$/;

/** Adds files to the draft. Says which of them cannot be sent, and why. */
export async function choose(talk: Talk, { files: chosen, folders }: Chosen): Promise<void> {
  const limit = talk.fileMax();
  const problems = new Set<string>(folders ? [fileWords.folder] : []);
  const say = (problem: string) => talk.tell([...problems.add(problem)].join(" "));
  if (folders) say(fileWords.folder);
  const outgoing = await talk.sendings.load();
  for (const file of chosen) {
    const problem =
      limit === undefined
        ? fileWords.noFiles
        : file.size > limit
          ? fileWords.tooLarge(file.name, fileWords.size(limit))
          : file.size === 0
            ? fileWords.empty(file.name)
            : talk.snapshot().files.length >= FILES_MAX
              ? fileWords.tooMany(FILES_MAX)
              : undefined;
    if (problem) {
      say(problem);
      continue;
    }
    const key = uuid();
    // Not awaited: it is here until it is kept.
    void outgoing.keep(key, file).then((isKept) => isKept || say(fileWords.notKept));
    // One after another: each picture takes memory until it is measured.
    const sides = await sidesOf(file);
    const one: Attachment = { key, name: file.name, type: file.type, size: file.size, ...sides };
    talk.attach((files) => [...files, one]);
  }
}

/** The sides of a picture as it is shown, in pixels, if this browser can show it and the server makes a preview of it. */
async function sidesOf(file: File): Promise<Pick<Attachment, "width" | "height"> | undefined> {
  if (!SHOWN.test(file.type) || file.size > MEASURED_MAX) return undefined;
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return undefined;
  }
}
