/** @jsxImportSource hono/jsx/dom */
import type { MessageFile } from "../../client/index.ts";
import { useState } from "hono/jsx/dom";
import { Icon } from "../parts/icon.tsx";
import { FILE_ICONS } from "./icons.ts";
import { fileWords } from "../words/files.ts";
import { faultText } from "../words/problems.ts";
import type { Addresses } from "./addresses.ts";
import { kindOf } from "./file.ts";
import { save } from "./saving.ts";

interface CardProps {
  readonly file: MessageFile;
  readonly addresses: Addresses;
}

/** Downloads a file. Returns what went wrong as a sentence. */
export function useDownload({ file, addresses }: CardProps) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const download = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const urls = await addresses.of(file.id);
      setProblem(urls ? "" : fileWords.gone);
      if (urls) save(urls.original, file.name);
    } catch (error) {
      setProblem(faultText(error));
    }
    setBusy(false);
  };
  return { busy, problem, download: () => void download() };
}

/** A file that is saved, not shown: a click downloads it. */
export function Card(props: CardProps) {
  const { file } = props;
  const { busy, problem, download } = useDownload(props);
  const kind = kindOf(file);
  const about = fileWords.about(kind, fileWords.size(file.size));
  return (
    <button type="button" class="file" aria-busy={String(busy) as "true"} title={file.alt} onClick={download}>
      <span class="kind" aria-hidden="true">
        <Icon path={FILE_ICONS.file} />
      </span>
      <span class="what">
        <span class="unseen">{fileWords.save} </span>
        <bdi class="name">{file.name}</bdi>
        <small class={problem ? "alert" : ""} role={problem ? "alert" : undefined}>
          {problem || about}
        </small>
      </span>
      <Icon path={FILE_ICONS.download} />
    </button>
  );
}
