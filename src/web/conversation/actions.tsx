/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { EmojiPicker } from "../emoji/tools.tsx";
import { useLayer } from "../page/layers.ts";
import { Icon } from "../parts/icon.tsx";
import { talkWords } from "../words/talk.ts";
import { type ActsProps, actsOf, EMOJI, useKept } from "./acts.ts";

/** The actions of a message, in a bar at its corner, for mice and keyboards. */
export function Actions(props: ActsProps) {
  const { talk, message, has } = props;
  const kept = useKept(props);
  const [asks, setAsks] = useState<"" | "react" | "more" | "remove">("");
  const bar = useLayer<HTMLDivElement>(asks !== "", () => setAsks(""));
  const react = (emoji: string) => {
    talk.react(message.id, emoji, !has(emoji));
    setAsks("");
  };
  return (
    <div ref={bar} class="actions" role="group" aria-label={talkWords.acts.label}>
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
      {asks === "react" && (
        <button
          type="button"
          class="plain"
          aria-label={talkWords.acts.moreEmoji}
          title={talkWords.acts.moreEmoji}
          onClick={() => setAsks("more")}
        >
          <Icon name="more" />
        </button>
      )}
      {asks === "more" && <EmojiPicker choose={react} close={() => setAsks("")} />}
      {asks === "remove" && (
        <button
          type="button"
          class="plain alert"
          onClick={() => {
            talk.remove(message.id);
            setAsks("");
          }}
        >
          {talkWords.acts.removeForAll}
        </button>
      )}
      {asks ? (
        <button type="button" class="plain" aria-label={talkWords.acts.cancel} onClick={() => setAsks("")}>
          <Icon name="close" />
        </button>
      ) : (
        <>
          {actsOf(props, kept)
            .filter(({ forTouch }) => !forTouch)
            .map(({ label, icon, isOn, run }) => (
              <button
                type="button"
                class={isOn ? "plain on" : "plain"}
                aria-label={label}
                title={label}
                onClick={() => (typeof run === "string" ? setAsks(run) : run())}
              >
                <Icon name={icon} />
              </button>
            ))}
        </>
      )}
    </div>
  );
}
