/** @jsxImportSource hono/jsx/dom */
import { isOnlyEmoji, piecesOf } from "./links.ts";

/** What someone wrote: text and links to web addresses, never anything else. */
export function Text({ content }: { readonly content: string }) {
  return (
    <div class={isOnlyEmoji(content) ? "text emoji" : "text"} dir="auto">
      {piecesOf(content).map(({ text, href }) =>
        href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow ugc">
            {text}
          </a>
        ) : (
          text
        ),
      )}
    </div>
  );
}
