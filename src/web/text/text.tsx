/** @jsxImportSource hono/jsx/dom */
import type { Child } from "hono/jsx";
import { isOnlyEmoji } from "./emoji.ts";
import { plainNow, useMarkup } from "./markup.ts";

interface TextProps {
  readonly content: string;
}

interface WholeTextProps extends TextProps {
  /** Whom the message mentions, by username: whether it is the reader. */
  readonly mentioned?: ReadonlyMap<string, boolean> | undefined;
  /** What follows the text in its last line. */
  readonly children?: Child;
}

/** The text of a message. It is shown as it was written until the code for its markup is loaded. */
export function Text({ content, mentioned, children }: WholeTextProps) {
  const markup = useMarkup(content);
  return (
    <div class={isOnlyEmoji(content) ? "text emoji" : "text"} dir="auto">
      {markup?.draw(content, mentioned) ?? content}
      {children}
    </div>
  );
}

/** The text of a message in one line, without its markup. */
export function Preview({ content }: TextProps) {
  useMarkup(content);
  return <>{plainNow(content)}</>;
}
