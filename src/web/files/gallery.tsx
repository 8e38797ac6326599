/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import type { Message } from "../../client/index.ts";
import { useDialog } from "../page/layers.ts";
import { fullTime } from "../page/time.ts";
import { useBack } from "../parts/dismiss.ts";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { FILE_ICONS } from "./icons.ts";
import { Name } from "../parts/person.tsx";
import { fileWords } from "../words/files.ts";
import type { Addresses } from "./addresses.ts";
import { useDownload } from "./card.tsx";
import { kindOf, type Picture } from "./file.ts";
import { Stage } from "./stage.tsx";
import { WHOLE, type Zoom, zoomed } from "./zoom.ts";

/** A picture and its message. */
export interface Exhibit {
  readonly file: Picture;
  readonly message: Message;
}

interface GalleryProps {
  /** The pictures of the conversation, oldest first. */
  readonly exhibits: readonly Exhibit[];
  /** The id of the picture to begin with. */
  readonly first: string;
  readonly addresses: Addresses;
  readonly close: () => void;
}

/** How much a key or a button enlarges. */
const STEP = 1.5;

/** Pictures over the whole window, one at a time. */
export function Gallery({ exhibits, first, addresses, close }: GalleryProps) {
  const dialog = useDialog();
  const [id, setId] = useState(first);
  /** Where it was last: the picture may be deleted while it is shown. */
  const place = useRef(0);
  const found = exhibits.findIndex(({ file }) => file.id === id);
  const at = found >= 0 ? found : Math.min(place.current ?? 0, exhibits.length - 1);
  place.current = at;
  const shown = exhibits[at];
  const leave = () => dialog.current?.close();
  const go = (by: number) => {
    const next = exhibits[at + by];
    if (next) setId(next.file.id);
  };
  useEffect(() => {
    if (!shown) leave();
  }, [shown]);
  // The neighbours are asked for together, so that the next one is there sooner.
  useEffect(() => {
    for (const by of [1, -1]) {
      const next = exhibits[at + by];
      if (next) addresses.of(next.file.id).catch(() => {});
    }
  }, [at]);
  return (
    <dialog ref={dialog} class="gallery" aria-label={fileWords.gallery.label} onClose={close}>
      {matchMedia("(pointer: coarse)").matches && <Back close={leave} />}
      {shown && (
        <View
          key={shown.file.id}
          {...shown}
          addresses={addresses}
          at={at}
          count={exhibits.length}
          go={go}
          close={leave}
        />
      )}
    </dialog>
  );
}

/** The phone's Back closes it. */
function Back({ close }: { readonly close: () => void }) {
  useBack(close);
  return null;
}

interface ViewProps extends Exhibit {
  readonly addresses: Addresses;
  readonly at: number;
  readonly count: number;
  readonly go: (by: number) => void;
  readonly close: () => void;
}

function View({ file, message, addresses, at, count, go, close }: ViewProps) {
  const [zoom, setZoom] = useState(WHOLE);
  const { busy, problem, download } = useDownload({ file, addresses });
  const says = fileWords.gallery;
  const enlarge = (factor: number) => setZoom((before: Zoom) => zoomed(before, factor));
  const keys = useRef<(event: KeyboardEvent) => void>(undefined);
  keys.current = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") go(event.key === forward ? 1 : -1);
    else if (event.key === "Home") go(-at);
    else if (event.key === "End") go(count - 1 - at);
    else if (event.key === "+" || event.key === "=") enlarge(STEP);
    else if (event.key === "-") enlarge(1 / STEP);
    else if (event.key === "0") setZoom(WHOLE);
    else return;
    event.preventDefault();
  };
  // The dialog has the focus, or one of its buttons, which may disappear at the end of the row.
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => keys.current?.(event);
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
  const about = fileWords.about(kindOf(file), fileWords.size(file.size));
  return (
    <>
      <Stage file={file} addresses={addresses} zoom={zoom} setZoom={setZoom} go={go} close={close} />
      <header>
        <p class="by">
          <Name of={message} /> <time datetime={message.timestamp}>{fullTime(message.timestamp)}</time>
        </p>
        <button
          type="button"
          class="plain"
          aria-label={says.smaller}
          title={says.smaller}
          disabled={zoom.scale === 1}
          onClick={() => enlarge(1 / STEP)}
        >
          <Icon path={FILE_ICONS.minus} />
        </button>
        <button
          type="button"
          class="plain"
          aria-label={says.larger}
          title={says.larger}
          onClick={() => enlarge(STEP)}
        >
          <Icon name="plus" />
        </button>
        <button
          type="button"
          class="plain"
          aria-label={fileWords.download(file.name, about)}
          title={fileWords.download(file.name, about)}
          disabled={busy}
          onClick={download}
        >
          <Icon path={FILE_ICONS.download} />
        </button>
        <button type="button" class="plain" aria-label={says.close} title={says.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {at > 0 && (
        <button type="button" class="turn before" aria-label={says.before} onClick={() => go(-1)}>
          <Icon name="back" />
        </button>
      )}
      {at < count - 1 && (
        <button type="button" class="turn after" aria-label={says.after} onClick={() => go(1)}>
          <Icon name="back" />
        </button>
      )}
      <p class="caption" role="status">
        <bdi>{file.alt ?? file.name}</bdi> <small>{says.place(at + 1, count)}</small>
        {problem && <span class="alert">{problem}</span>}
      </p>
    </>
  );
}
