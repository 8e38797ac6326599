/** @jsxImportSource hono/jsx/dom */
import { Icon } from "../parts/icon.tsx";
import { useDialog } from "./layers.ts";
import { isApple, SHORTCUTS } from "./keys.ts";
import { later } from "../words/later.ts";

/** What the fields and lists of the page do by themselves. */
const LOCAL = [
  { does: "send", keys: ["Enter"] },
  { does: "newLine", keys: ["Shift", "Enter"] },
  { does: "editLast", keys: ["ArrowUp"] },
  { does: "close", keys: ["Escape"] },
] as const;

/** The dialog of the page's keyboard shortcuts. */
export function Shortcuts({ close }: { readonly close: () => void }) {
  const dialog = useDialog();
  const { page } = later;
  const named: Readonly<Record<string, string>> = {
    Mod: isApple ? "⌘" : "Ctrl",
    Alt: isApple ? "⌥" : "Alt",
    Shift: isApple ? "⇧" : page.keys.shift,
    Enter: page.keys.enter,
    Escape: page.keys.escape,
    ArrowUp: "↑",
    ArrowDown: "↓",
  };
  const row = (what: string, keys: readonly string[]) => (
    <div key={what}>
      <dt>{what}</dt>
      <dd>
        {keys.map((key) => (
          <kbd key={key}>{named[key] ?? key.toUpperCase()}</kbd>
        ))}
      </dd>
    </div>
  );
  return (
    <dialog ref={dialog} class="confirm details shortcuts" aria-labelledby="shortcuts-title" onClose={close}>
      <header>
        <h2 id="shortcuts-title">{page.shortcuts}</h2>
        <button type="button" class="plain" aria-label={page.close} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <dl>
        {SHORTCUTS.map(({ does, keys }) => row(page.does[does], keys))}
        {LOCAL.map(({ does, keys }) => row(page.local[does], keys))}
      </dl>
      <p class="note">{page.anywhere}</p>
    </dialog>
  );
}
