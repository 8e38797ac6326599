/** @jsxImportSource hono/jsx/dom */
import { isOnlyEmoji, piecesOf } from "./links.ts";

/** The text of a message with links, and no other markup. */
export function Text({ content }: { readonly content: string }) {
  return (
    <div class={isOnlyEmoji(content) ? "text emoji" : "text"} dir="auto">
      {piecesOf(content).map(({ text, href, host }) =>
        href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow ugc">
            {text}
            {host && <bdi class="host"> ({host})</bdi>}
          </a>
        ) : (
          text
        ),
      )}
    </div>
  );
}
