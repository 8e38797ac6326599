/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { EmojiPicker } from "../emoji/tools.tsx";
import { useLayer } from "../page/layers.ts";
import { useBack, useOutside } from "../parts/dismiss.ts";
import { Icon } from "../parts/icon.tsx";
import { talkWords } from "../words/talk.ts";
import { type ActsProps, actsOf, EMOJI, useKept } from "./acts.ts";

/** The emojis that fit beside each other on a phone. */
const FEW = 6;

interface SheetProps extends ActsProps {
  /** The message on the page. */
  readonly row: () => Element | null | undefined;
  readonly close: () => void;
}

/** The actions of a message on a touch device. They have a place of their own below the messages, so they hide none. */
export function Sheet({ row, close, ...props }: SheetProps) {
  const { talk, message, has } = props;
  const kept = useKept(props);
  const [asks, setAsks] = useState<"" | "react" | "more" | "remove">("");
  const sheet = useLayer<HTMLDivElement>(true, close);
  useBack(close);
  useOutside(sheet, close);
  useEffect(() => {
    // The messages have less space now.
    const observer = new ResizeObserver(() => row()?.scrollIntoView({ block: "nearest" }));
    if (sheet.current?.parentElement) observer.observe(sheet.current.parentElement);
    if (sheet.current) observer.observe(sheet.current);
    return () => observer.disconnect();
  }, []);

  const react = (emoji: string) => {
    talk.react(message.id, emoji, !has(emoji));
    close();
  };
  const run = (work: () => void) => {
    close();
    work();
  };
  return (
    <div ref={sheet} class="acts" role="dialog" aria-label={talkWords.acts.label}>
      <div class="emojis">
        {EMOJI.slice(0, FEW).map((emoji) => (
          <button
            key={emoji}
            type="button"
            class="plain"
            aria-pressed={String(has(emoji)) as "true"}
            onClick={() => react(emoji)}
          >
            {emoji}
          </button>
        ))}
        <button
          type="button"
          class="plain"
          aria-label={talkWords.acts.moreEmoji}
          onClick={() => setAsks("more")}
        >
          <Icon name="more" />
        </button>
        {asks === "more" && <EmojiPicker choose={react} close={() => setAsks("")} />}
      </div>
      <div class="list">
        {asks === "remove" ? (
          <button type="button" class="plain alert" onClick={() => run(() => talk.remove(message.id))}>
            <Icon name="remove" /> {talkWords.acts.removeForAll}
          </button>
        ) : (
          actsOf(props, kept)
            .filter(({ run }) => run !== "react")
            .map(({ label, icon, run: work }) => (
              <button
                key={icon}
                type="button"
                class="plain"
                onClick={() => (typeof work === "string" ? setAsks(work) : run(work))}
              >
                <Icon name={icon} /> {label}
              </button>
            ))
        )}
        <button type="button" class="plain" onClick={() => (asks ? setAsks("") : close())}>
          <Icon name="close" /> {talkWords.acts.cancel}
        </button>
      </div>
    </div>
  );
}
