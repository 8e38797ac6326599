/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { fileWords } from "../words/files.ts";
import type { Addresses } from "./addresses.ts";
import type { Picture } from "./file.ts";
import { useAddress } from "./picture.tsx";
import { watchStage, within, type Zoom } from "./zoom.ts";

interface StageProps {
  readonly file: Picture;
  readonly addresses: Addresses;
  readonly zoom: Zoom;
  readonly setZoom: (zoom: Zoom) => void;
  readonly go: (by: number) => void;
  readonly close: () => void;
}

/** The picture in the gallery, as large as it fits, which pointers enlarge and move. */
export function Stage({ file, addresses, zoom, setZoom, go, close }: StageProps) {
  const stage = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const [pulled, setPulled] = useState({ x: 0, y: 0 });
  const { urls, state, attempt, loaded, error, again } = useAddress(addresses, file.id);
  const latest = useRef({ zoom, go });
  latest.current = { zoom, go };
  const limited = (next: Zoom): Zoom => {
    const [box, outer] = [picture.current, stage.current];
    if (!box || !outer) return next;
    return within(
      next,
      { width: box.offsetWidth, height: box.offsetHeight },
      { width: outer.clientWidth, height: outer.clientHeight },
    );
  };
  useEffect(() => {
    if (!stage.current) return;
    return watchStage(stage.current, {
      get: () => latest.current?.zoom ?? zoom,
      set: (next) => setZoom(limited(next)),
      pull: (x, y) => setPulled({ x, y }),
      swipe(direction) {
        const isForward = direction < 0 !== (document.documentElement.dir === "rtl");
        latest.current?.go(isForward ? 1 : -1);
      },
      close,
    });
  }, []);
  const { width, height, alt, name } = file;
  const { scale, x, y } = limited(zoom);
  const source = urls?.large ?? urls?.preview;
  return (
    <div ref={stage} class={scale > 1 ? "stage closer" : "stage"}>
      {state === "gone" || state === "failed" ? (
        <p class="absent">
          {state === "gone" ? fileWords.gone : fileWords.failed}{" "}
          {state === "failed" && (
            <button type="button" class="link" onClick={again}>
              {fileWords.again}
            </button>
          )}
        </p>
      ) : (
        <div
          ref={picture}
          class="exhibit"
          style={{
            "--width": `${width}px`,
            "--ratio": `${width / height}`,
            // What the conversation has already loaded, until the larger one is there.
            "background-image": urls?.preview && state !== "shown" ? `url("${urls.preview}")` : "none",
            transform: `translate(${x + pulled.x}px, ${y + pulled.y}px) scale(${scale})`,
          }}
        >
          {source && (
            <img
              key={attempt}
              src={source}
              alt={alt ?? name}
              decoding="async"
              draggable={false}
              onLoad={loaded}
              onError={error}
            />
          )}
        </div>
      )}
    </div>
  );
}
