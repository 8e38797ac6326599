import type { Child } from "hono/jsx";
import { phrases } from "./phrases.ts";

const { plural, number } = phrases("en-GB");

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** "640 byte", "1.2 MB". A megabyte has 1,024 × 1,024 bytes, as in the server's limit. */
function size(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const unit = UNITS[power] as string;
  const digits = power === 0 || value >= 10 ? 0 : 1;
  return new Intl.NumberFormat("en-GB", {
    style: "unit",
    unit,
    unitDisplay: power === 0 ? "long" : "short",
    maximumFractionDigits: digits,
  }).format(value);
}

/** What is said about files. It is loaded with the first conversation. */
export const files = {
  picture: "Picture",
  pictures: (count: number) => plural(count, { one: "Picture", other: "# pictures" }),
  audio: "Audio",
  video: "Video",
  file: "File",
  files: (count: number) => plural(count, { one: "File", other: "# files" }),
  text: "Text",
  size,
  /** What a card says below the name: the kind of the file, and its size. */
  about: (kind: string, size: string) => `${kind} · ${size}`,
  open: (what: string) => `Open the picture: ${what}`,
  download: (name: string, about: string) => `Download ${name} (${about})`,
  save: "Download",
  saveAll: (count: number) => plural(count, { one: "Download", other: "Download # files" }),
  share: "Share",
  play: (name: string) => `Play ${name}`,
  group: (count: number) => plural(count, { one: "# picture", other: "# pictures" }),
  loading: "Loading…",
  gone: "This file is no longer there.",
  failed: "This could not be loaded.",
  unplayable: "This browser cannot play this file.",
  again: "Try again",
  add: "Add files",
  photo: "Take a photo",
  pick: "Choose files",
  drop: (room: Child): Child[] => ["Drop files to send them to ", room],
  toSend: (count: number) => plural(count, { one: "# file to send", other: "# files to send" }),
  remove: (name: string) => `Remove ${name}`,
  describe: (name: string) => `Describe ${name}`,
  describing: "Describe the picture",
  altLabel: "What it shows",
  altAbout: "For people who do not see the picture.",
  cancel: "Cancel",
  done: "Save",
  uploading: (name: string) => `Uploading ${name}`,
  tooLarge: (name: string, limit: string) => `“${name}” is too large. Files can have at most ${limit}.`,
  empty: (name: string) => `“${name}” is empty.`,
  folder: "Folders cannot be sent. Choose the files in them, or make an archive.",
  tooMany: (most: number) =>
    plural(most, {
      one: "A message can have # file at most.",
      other: "A message can have # files at most.",
    }),
  noFiles: "This server does not take files.",
  notKept:
    "This browser cannot keep the files. They are sent as usual, but do not close or reload the page before.",
  notLoaded: "The files could not be added, because a part of the page could not be loaded. Try again.",
  lost: (count: number) =>
    plural(count, {
      one: "A file of your draft is not in this browser any more. Add it again.",
      other: "# files of your draft are not in this browser any more. Add them again.",
    }),
  gallery: {
    label: "Pictures",
    before: "Previous picture",
    after: "Next picture",
    larger: "Enlarge",
    smaller: "Make smaller",
    close: "Close the pictures",
    place: (at: number, count: number) => `${number(at)} of ${number(count)}`,
  },
};

export type FileWords = typeof files;
