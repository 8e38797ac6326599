/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Attachment } from "../composer/drafts.ts";
import type { Outgoing, Sendings } from "../composer/sendings.ts";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { FILE_ICONS } from "./icons.ts";
import { useLatest } from "../parts/latest.ts";
import { fileWords } from "../words/files.ts";
import { Pictures } from "./attached.tsx";
import { kindOf } from "./file.ts";
import { Local } from "./local.tsx";

/** What is drawn of a picture, in pixels. */
const SIDE = 720;

interface UnsentProps {
  readonly files: readonly Attachment[];
  readonly sendings: Sendings;
  /** They are on their way. */
  readonly moving: boolean;
}

/** The files of a message that is not committed yet, laid out as they will be. */
export function Unsent({ files, sendings, moving }: UnsentProps) {
  const isSized = (file: Attachment): file is Attachment & { width: number; height: number } =>
    file.width !== undefined && file.height !== undefined;
  const pictures = files.filter(isSized).map((file) => ({ ...file, id: file.key }));
  return (
    <div class="files">
      <Pictures
        of={pictures}
        draw={(file) => (
          <span class="picture" role="img" aria-label={file.alt ?? file.name}>
            <Local file={file} sendings={sendings} side={SIDE} />
            {moving && <Progress sendings={sendings} file={file} />}
          </span>
        )}
      />
      {files
        .filter((file) => !isSized(file))
        .map((file) => (
          <div key={file.key} class="file">
            <span class="kind" aria-hidden="true">
              <Icon path={FILE_ICONS.file} />
            </span>
            <span class="what">
              <bdi class="name">{file.name}</bdi>
              <small>{fileWords.about(kindOf(file), fileWords.size(file.size))}</small>
            </span>
            {moving && <Progress sendings={sendings} file={file} />}
          </div>
        ))}
    </div>
  );
}

interface ProgressProps {
  readonly sendings: Sendings;
  readonly file: Attachment;
}

/** How much of a file has left. */
function Progress({ sendings, file }: ProgressProps) {
  const [outgoing, setOutgoing] = useState<Outgoing | undefined>(undefined);
  useEffect(() => void sendings.load().then(setOutgoing, () => {}), [sendings]);
  return outgoing ? <Bar outgoing={outgoing} file={file} /> : null;
}

function Bar({ outgoing, file }: { readonly outgoing: Outgoing; readonly file: Attachment }) {
  const left = useLatest(outgoing.progress).get(file.key) ?? 0;
  const part = file.id === undefined ? left : 1;
  return <progress class="progress" max={1} value={part} aria-label={fileWords.uploading(file.name)} />;
}
