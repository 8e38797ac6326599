/** @jsxImportSource hono/jsx/dom */
import { useEffect, useLayoutEffect, useRef } from "hono/jsx/dom";
import type { Message } from "../client/index.ts";
import { isBlank } from "../protocol/blank.ts";
import { Icon } from "./icon.tsx";
import { nameOf } from "./person.tsx";
import type { Talk, TalkState } from "./talk.ts";

interface ComposerProps {
  readonly talk: Talk;
  /** What the room is called. */
  readonly label: string;
  readonly mine: TalkState;
  /** The person's latest message, which the up arrow edits. */
  readonly last: () => Message | undefined;
}

/** The form for writing and editing messages. */
export function Composer({ talk, label, mine, last }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const { draft } = mine;
  const about = draft.editing ?? draft.replyTo;

  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    if (area.value !== draft.text) area.value = draft.text;
    fit(area);
  }, [draft.text]);
  // Keep focus here after replying, editing or opening a room, except on touch devices, where it would open the keyboard.
  useEffect(() => {
    if (about || matchMedia("(pointer: fine)").matches) field.current?.focus({ preventScroll: true });
  }, [talk, about]);

  const say = () => {
    talk.say();
    field.current?.focus({ preventScroll: true });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const touch = matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !touch) {
      event.preventDefault();
      say();
    } else if (event.key === "Escape" && about) {
      talk.draft({ text: draft.editing ? "" : draft.text });
    } else if (event.key === "ArrowUp" && draft.text === "" && !about) {
      const message = last();
      if (!message) return;
      event.preventDefault();
      talk.draft({ text: message.content, editing: message });
    }
  };

  return (
    <form
      class="composer"
      onSubmit={(event: Event) => {
        event.preventDefault();
        say();
      }}
    >
      {about && (
        <div class="about">
          <span class="what">{draft.editing ? "Editing" : "Replying to"}</span>
          <bdi class="name">{draft.editing ? "your message" : nameOf(about)}</bdi>
          <span class="what" dir="auto">
            {draft.editing ? "" : about.content}
          </span>
          <button
            type="button"
            class="plain"
            aria-label={draft.editing ? "Stop editing" : "Cancel reply"}
            onClick={() => talk.draft({ text: draft.editing ? "" : draft.text })}
          >
            <Icon name="close" />
          </button>
        </div>
      )}
      <div class="field">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          aria-label={`Message to ${label}`}
          placeholder={`Message ${label}`}
          enterkeyhint="send"
          onInput={(event: Event) => {
            const { value } = event.target as HTMLTextAreaElement;
            talk.draft({ ...talk.snapshot().draft, text: value });
            if (value !== "") talk.room.typing();
          }}
          onKeyDown={onKeyDown}
        />
        <button
          type="submit"
          class="send"
          aria-label={draft.editing ? "Save" : "Send"}
          disabled={isBlank(draft.text)}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

/** Makes the field as high as its text, in browsers without `field-sizing`. */
function fit(area: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
