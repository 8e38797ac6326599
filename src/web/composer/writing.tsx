/** @jsxImportSource hono/jsx/dom */
import { useLayoutEffect, useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Message } from "../../client/index.ts";
import { isBlank } from "../../protocol/blank.ts";
import { EmojiTools } from "../emoji/tools.tsx";
import { MentionTools } from "../mentions/tools.tsx";
import { Attach } from "../files/attach.tsx";
import { Line } from "../files/line.tsx";
import { useLayer } from "../page/layers.ts";
import { isComposing, setText } from "../parts/field.ts";
import { Icon } from "../parts/icon.tsx";
import { lazy } from "../parts/lazy.tsx";
import { useNow } from "../parts/latest.ts";
import { nameOf } from "../parts/person.tsx";
import { talkWords } from "../words/talk.ts";
import dialogs from "../style/dialogs.css" with { type: "file" };
import tray from "../style/tray.css" with { type: "file" };
import type { Kind, Talk } from "./talk.ts";

const Describe = lazy(() => import("../files/tray.tsx").then(({ Describe }) => Describe), tray, dialogs);
const Tray = lazy(() => import("../files/tray.tsx").then(({ Tray }) => Tray), tray);

/** The number of characters that are left is shown from here on. */
const NEAR = 200;

interface WritingProps {
  readonly talk: Talk;
  readonly kind: Kind;
  /** What the room is called. */
  readonly label: string;
  readonly last: () => Message | undefined;
  readonly hidden: boolean;
}

/** A field for one text. It shows what it shows: nothing compares it with what was rendered last. */
export function Writing({ talk, kind, label, last, hidden }: WritingProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const isEdit = kind === "edit";
  const replyTo = useNow(talk, () => (isEdit ? undefined : talk.snapshot().replyTo));
  const files = useNow(talk, () => (isEdit ? 0 : talk.snapshot().files.length));
  const isBare = files > 0 || (isEdit && talk.snapshot().editing?.bare === true);
  /** The key of the picture that the person describes. */
  const [described, setDescribed] = useState<string | undefined>(undefined);
  const [blank, setBlank] = useState(() => isBlank(talk.text(kind)));
  const [left, setLeft] = useState(() => nearly(talk.left(talk.text(kind))));
  const focus = () => field.current?.focus({ preventScroll: true });

  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.value = talk.text(kind);
    fit(area);
    return talk.subscribe(() => setText(area, talk.text(kind)));
  }, [talk]);
  // Keep focus here, at once when a reply or an edit begins or an edit ends. On touch devices, it would open the keyboard when a
  // room is opened or a reply given up.
  const wasHidden = useRef(hidden);
  useLayoutEffect(() => {
    if (isEdit || replyTo || (wasHidden.current && !hidden)) focus();
    wasHidden.current = hidden;
  }, [replyTo, hidden]);
  useEffect(() => {
    if (!hidden && matchMedia("(pointer: fine)").matches) focus();
  }, [talk, replyTo]);

  const stop = () => (isEdit ? talk.stopEditing() : talk.reply(undefined));
  useLayer(isEdit || (replyTo !== undefined && !hidden), stop);
  const say = () => {
    const area = field.current;
    if (area && talk.say(kind, area.value)) focus();
  };
  const onInput = () => {
    const area = field.current;
    if (!area) return;
    const { value } = area;
    talk.write(kind, value);
    fit(area);
    setBlank(isBlank(value));
    setLeft(nearly(talk.left(value)));
    if (value !== "") talk.room.typing();
  };
  /** What Enter does beyond sending: nothing, a new line, or the choice of a word. */
  const breaks = useRef(false);
  /** Keyboards on the screen do not always report their Enter key, which says "send", but only the line break. */
  const onBeforeInput = (event: InputEvent) => {
    const { inputType, data } = event;
    const isBreak =
      /^insert(?:LineBreak|Paragraph)$/.test(inputType) || (inputType === "insertText" && data === "\n");
    if (!isBreak || breaks.current) return;
    event.preventDefault();
    say();
  };
  /** Keyboards on the screen have no Shift+Enter. */
  const breakLine = () => {
    focus();
    breaks.current = true;
    document.execCommand("insertText", false, "\n");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    breaks.current = event.shiftKey || (event.key === "Enter" && isComposing(event));
    if (isComposing(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      say();
    } else if (event.key === "ArrowUp" && field.current?.value === "" && !isEdit && !replyTo) {
      const message = last();
      if (!message) return;
      event.preventDefault();
      talk.edit(message);
    }
  };

  return (
    <>
      <form
        class={hidden ? "" : "composer"}
        hidden={hidden}
        onSubmit={(event: Event) => {
          event.preventDefault();
          say();
        }}
      >
        {(isEdit || replyTo) && (
          <div class="about">
            <span class="what">{isEdit ? talkWords.composer.editing : talkWords.composer.replyingTo}</span>
            <bdi class="name">{replyTo ? nameOf(replyTo) : talkWords.composer.yourMessage}</bdi>
            <span class="what" dir="auto">
              {replyTo && <Line of={replyTo} />}
            </span>
            <button
              type="button"
              class="plain"
              aria-label={isEdit ? talkWords.composer.stopEditing : talkWords.composer.cancelReply}
              onClick={stop}
            >
              <Icon name="close" />
            </button>
          </div>
        )}
        {files > 0 && <Tray talk={talk} describe={setDescribed} />}
        <div class="field">
          <textarea
            ref={field}
            rows={1}
            dir="auto"
            // Drafts are kept by the page. Some browsers put old texts into fields of their own accord.
            autocomplete="off"
            aria-label={talkWords.composer.field(label)}
            placeholder={talkWords.composer.placeholder(label)}
            enterkeyhint="send"
            onInput={onInput}
            onBeforeInput={onBeforeInput}
            onKeyDown={onKeyDown}
          />
          {!isEdit && <Attach talk={talk} field={field} />}
          <EmojiTools field={field} />
          <MentionTools field={field} talk={talk} />
          <button
            type="button"
            class="plain break"
            aria-label={talkWords.composer.newLine}
            title={talkWords.composer.newLine}
            onPointerDown={(event: Event) => event.preventDefault()} // The field keeps the focus, and the keyboard stays.
            onClick={breakLine}
          >
            <Icon name="enter" />
          </button>
          <button
            type="submit"
            class="send"
            aria-label={isEdit ? talkWords.composer.save : talkWords.composer.send}
            disabled={blank && !isBare}
          >
            <Icon name="send" />
          </button>
        </div>
        {left !== undefined && (
          <p class={left < 0 ? "left alert" : "left"} role={left < 0 ? "alert" : undefined}>
            {left < 0 ? talkWords.composer.tooLong(-left) : talkWords.composer.left(left)}
          </p>
        )}
      </form>
      {described && <Describe talk={talk} file={described} close={() => setDescribed(undefined)} />}
    </>
  );
}

const nearly = (left: number): number | undefined => (left <= NEAR ? left : undefined);

/** Makes the field as high as its text, in browsers without `field-sizing`. */
function fit(area: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
