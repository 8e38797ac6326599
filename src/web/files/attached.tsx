/** @jsxImportSource hono/jsx/dom */
import type { MessageFile } from "../../client/index.ts";
import type { Child } from "hono/jsx";
import { fileWords } from "../words/files.ts";
import type { Addresses } from "./addresses.ts";
import { Card } from "./card.tsx";
import { isPicture, playsAs } from "./file.ts";
import { frameOf, halvesOf } from "./frame.ts";
import { Player } from "./player.tsx";
import { Shown } from "./picture.tsx";

interface FilesProps {
  readonly files: readonly MessageFile[];
  readonly addresses: Addresses;
}

/** The files of a message: its pictures, and a line for each of the others. */
export function Files({ files, addresses }: FilesProps) {
  const pictures = files.filter(isPicture);
  return (
    <div class="files">
      <Pictures of={pictures} draw={(file) => <Shown file={file} addresses={addresses} />} />
      {files
        .filter((file) => !isPicture(file))
        .map((file) =>
          playsAs(file) ? (
            <Player key={file.id} file={file} addresses={addresses} />
          ) : (
            <Card key={file.id} file={file} addresses={addresses} />
          ),
        )}
    </div>
  );
}

interface Sized {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

interface PicturesProps<T extends Sized> {
  readonly of: readonly T[];
  readonly draw: (one: T) => Child;
}

/** One picture in its own shape, or several in rows of equal height. Nothing moves when they are loaded. */
export function Pictures<T extends Sized>({ of, draw }: PicturesProps<T>) {
  const [first] = of;
  if (!first) return null;
  if (of.length === 1) {
    const { width, ratio, cropped } = frameOf(first);
    return (
      <div
        class={cropped ? "frame cropped" : "frame"}
        style={{ width: `${width}px`, "aspect-ratio": `${ratio}` }}
      >
        {draw(first)}
      </div>
    );
  }
  const halves = halvesOf(of.length);
  return (
    <div class="frames" role="group" aria-label={fileWords.group(of.length)}>
      {of.map((one, at) => (
        <div key={one.id} class={at < halves ? "frame cropped half" : "frame cropped"}>
          {draw(one)}
        </div>
      ))}
    </div>
  );
}
