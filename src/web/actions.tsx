/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Message } from "../client/index.ts";
import { Icon } from "./icon.tsx";
import type { Talk } from "./talk.ts";

const EMOJI = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀", "✅", "☕", "🔥", "👋"];

interface ActionsProps {
  readonly talk: Talk;
  readonly message: Message;
  readonly own: boolean;
  readonly has: (emoji: string) => boolean;
  /** Whether the person may delete messages of others. */
  readonly moderates: boolean;
  readonly report: (id: number) => void;
}

/** The actions of a message. */
export function Actions({ talk, message, own, has, moderates, report }: ActionsProps) {
  const [asks, setAsks] = useState<"" | "react" | "remove">("");
  const reply = () => {
    const { text, editing } = talk.snapshot().draft;
    talk.draft({ text: editing ? "" : text, replyTo: message });
  };
  const react = (emoji: string) => {
    talk.react(message.id, emoji, !has(emoji));
    setAsks("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !asks) return;
    event.stopPropagation();
    setAsks("");
  };
  const button = (
    label: string,
    icon: "react" | "reply" | "edit" | "remove" | "flag",
    onClick: () => void,
  ) => (
    <button type="button" class="plain" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
  return (
    <div class="actions" role="group" aria-label="Message actions" onKeyDown={onKeyDown}>
      {asks === "react" &&
        EMOJI.map((emoji) => (
          <button
            type="button"
            class="plain"
            aria-pressed={String(has(emoji)) as "true"}
            onClick={() => react(emoji)}
          >
            {emoji}
          </button>
        ))}
      {asks === "remove" && (
        <button
          type="button"
          class="plain alert"
          onClick={() => {
            talk.remove(message.id);
            setAsks("");
          }}
        >
          Delete for everyone
        </button>
      )}
      {asks ? (
        <button type="button" class="plain" aria-label="Cancel" onClick={() => setAsks("")}>
          <Icon name="close" />
        </button>
      ) : (
        <>
          {button("React", "react", () => setAsks("react"))}
          {button("Reply", "reply", reply)}
          {own && button("Edit", "edit", () => talk.draft({ text: message.content, editing: message }))}
          {(own || moderates) && button("Delete", "remove", () => setAsks("remove"))}
          {!own && button("Report", "flag", () => report(message.id))}
        </>
      )}
    </div>
  );
}
