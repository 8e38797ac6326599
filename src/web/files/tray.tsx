/** @jsxImportSource hono/jsx/dom */
import { ALT_MAX } from "../../protocol/filelimits.ts";
import type { Attachment } from "../composer/drafts.ts";
import type { Talk } from "../composer/talk.ts";
import { useDialog } from "../page/layers.ts";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { FILE_ICONS } from "./icons.ts";
import { useLatest } from "../parts/latest.ts";
import { fileWords } from "../words/files.ts";
import { kindOf } from "./file.ts";
import { Local } from "./local.tsx";

/** What is drawn of a picture, in pixels: twice the size of its place. */
const SIDE = 192;

interface TrayProps {
  readonly talk: Talk;
  /** Asks what a picture shows. */
  readonly describe: (key: string) => void;
}

/** The files of the draft, before they are sent. */
export function Tray({ talk, describe }: TrayProps) {
  const { files } = useLatest(talk);
  useLost(talk, files);
  const remove = (file: Attachment) => {
    talk.attach((all) => all.filter(({ key }) => key !== file.key));
    talk.sendings.load().then(
      (outgoing) => outgoing.drop([file]),
      () => {},
    );
  };
  return (
    <ul class="tray" aria-label={fileWords.toSend(files.length)}>
      {files.map((file) => (
        <li key={file.key} class={file.width ? "" : "long"}>
          {file.width ? (
            <button
              type="button"
              class="picture"
              aria-label={fileWords.describe(file.name)}
              title={file.alt ?? fileWords.describe(file.name)}
              onClick={() => describe(file.key)}
            >
              <Local file={file} sendings={talk.sendings} side={SIDE} />
              <span class={file.alt ? "alt has" : "alt"}>
                <Icon name="edit" />
              </span>
            </button>
          ) : (
            <span class="what">
              <Icon path={FILE_ICONS.file} />
              <bdi class="name" title={file.name}>
                {file.name}
              </bdi>
              <small>{fileWords.about(kindOf(file), fileWords.size(file.size))}</small>
            </span>
          )}
          <button
            type="button"
            class="off"
            aria-label={fileWords.remove(file.name)}
            title={fileWords.remove(file.name)}
            onClick={() => remove(file)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Takes out of the draft what this browser does not have any more. */
function useLost(talk: Talk, files: readonly Attachment[]): void {
  useEffect(() => {
    let live = true;
    const look = async () => {
      const outgoing = await talk.sendings.load();
      const lost = new Set<string>();
      for (const { key } of files) if (!(await outgoing.bytes(key))) lost.add(key);
      if (!live || lost.size === 0) return;
      talk.attach((all) => all.filter(({ key }) => !lost.has(key)));
      talk.tell(fileWords.lost(lost.size));
    };
    look().catch(() => {});
    return () => void (live = false);
  }, [talk]);
}

interface DescribeProps {
  readonly talk: Talk;
  readonly file: string;
  readonly close: () => void;
}

/** The dialog in which a person says what a picture shows. */
export function Describe({ talk, file: key, close }: DescribeProps) {
  const dialog = useDialog();
  const file = talk.snapshot().files.find((one) => one.key === key);
  const submit = (event: Event) => {
    event.preventDefault();
    const said = String(new FormData(event.target as HTMLFormElement).get("alt"))
      .replace(/\s+/g, " ")
      .trim();
    const alt = said === "" ? undefined : said;
    talk.attach((all) => all.map((one) => (one.key === key ? { ...one, alt } : one)));
    dialog.current?.close();
  };
  if (!file) return null;
  return (
    <div>
      <dialog ref={dialog} class="confirm describing" aria-labelledby="describe-title" onClose={close}>
        <form onSubmit={submit}>
          <h2 id="describe-title">{fileWords.describing}</h2>
          <div class="preview">
            <Local file={file} sendings={talk.sendings} side={720} />
          </div>
          <p class="note">
            <bdi>{file.name}</bdi>
          </p>
          <div class="labelled">
            <label for="describe-alt">{fileWords.altLabel}</label>
            <input
              id="describe-alt"
              name="alt"
              type="text"
              dir="auto"
              autocomplete="off"
              maxlength={ALT_MAX}
              value={file.alt ?? ""}
            />
          </div>
          <p class="note">{fileWords.altAbout}</p>
          <div class="choices">
            <button type="button" onClick={() => dialog.current?.close()}>
              {fileWords.cancel}
            </button>
            <button type="submit" class="main">
              {fileWords.done}
            </button>
          </div>
        </form>
      </dialog>
    </div>
  );
}
