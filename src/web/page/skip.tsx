/** @jsxImportSource hono/jsx/dom */
import { goHome } from "./layers.ts";
import { words } from "../words/language.ts";

/** The first stops of the Tab key: they lead past the list of rooms. */
export const SkipLinks = () => (
  <div class="skip">
    {[
      ["conversation", words.page.toConversation, ".messages"] as const,
      ["writing", words.page.toComposer, ".composer textarea"] as const,
    ].map(([id, label, target]) => (
      <a
        key={id}
        href={`#${id}`}
        onClick={(event: Event) => {
          event.preventDefault(); // The fragment is the page's address.
          const found = document.querySelector<HTMLElement>(target);
          if (found) found.focus();
          else goHome(); // nobody can write in this room, or the person is not in it
        }}
      >
        {label}
      </a>
    ))}
  </div>
);
