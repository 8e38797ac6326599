/** @jsxImportSource hono/jsx/dom */
import type { MessageFile } from "../../client/index.ts";
import { useRef } from "hono/jsx/dom";
import { Icon } from "../parts/icon.tsx";
import { FILE_ICONS } from "./icons.ts";
import { fileWords } from "../words/files.ts";
import type { Addresses } from "./addresses.ts";
import { useDownload } from "./card.tsx";
import { kindOf, playsAs } from "./file.ts";
import { useAddress } from "./picture.tsx";

interface PlayerProps {
  readonly file: MessageFile;
  readonly addresses: Addresses;
}

/** Whether the person asked their system to use less data. Then nothing is loaded before they press play. */
const isSaving = () =>
  (navigator as { readonly connection?: { readonly saveData?: boolean } }).connection?.saveData === true;

/** Audio or a video, played in its place. What the browser cannot play can still be downloaded. */
export function Player(props: PlayerProps) {
  const { file, addresses } = props;
  const { urls, state, attempt, loaded, error } = useAddress(addresses, file.id);
  const { problem, busy, download } = useDownload(props);
  /** Where it was, and whether it played, when its address ended. */
  const left = useRef<{ readonly at: number; readonly plays: boolean } | undefined>(undefined);
  const kind = playsAs(file);
  const about = fileWords.about(kindOf(file), fileWords.size(file.size));
  const media = {
    class: kind === "video" ? "screen" : "",
    src: urls?.original,
    controls: true,
    preload: isSaving() ? "none" : "metadata",
    playsinline: true,
    "aria-label": fileWords.play(file.alt ?? file.name),
    onError({ target }: Event) {
      const { currentTime: at, paused } = target as HTMLMediaElement;
      left.current = { at, plays: !paused };
      error();
    },
    onLoadedMetadata({ target }: Event) {
      const element = target as HTMLMediaElement;
      const { at = 0, plays } = left.current ?? {};
      if (at > 0) element.currentTime = at;
      if (plays) void element.play().catch(() => {});
    },
    // Not with the metadata: what follows may be damaged, and would be loaded again and again.
    onTimeUpdate: loaded,
  } as const;
  const silent = state === "gone" || state === "failed";
  const note = state === "gone" ? fileWords.gone : silent ? fileWords.unplayable : about;
  return (
    <div class="player">
      {!silent &&
        (kind === "video" ? <video key={attempt} {...media} /> : <audio key={attempt} {...media} />)}
      <p class="what">
        <bdi class="name">{file.name}</bdi> <small>{problem || note}</small>
        <button
          type="button"
          class="plain"
          disabled={busy || state === "gone"}
          aria-label={fileWords.download(file.name, about)}
          title={fileWords.download(file.name, about)}
          onClick={download}
        >
          <Icon path={FILE_ICONS.download} />
        </button>
      </p>
    </div>
  );
}
