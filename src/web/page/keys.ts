/** A key that does something wherever the focus is. `Mod` is ⌘ on Apple's systems and Ctrl elsewhere. */
interface Shortcut {
  readonly does: Act;
  readonly keys: readonly string[];
}

export type Act = "find" | "search" | "previous" | "next" | "previousUnread" | "nextUnread" | "help";

/** The shortcuts of the page. The dialog of shortcuts shows them in this order. */
export const SHORTCUTS: readonly Shortcut[] = [
  { does: "find", keys: ["Mod", "k"] },
  { does: "search", keys: ["Mod", "Shift", "f"] },
  { does: "previous", keys: ["Alt", "ArrowUp"] },
  { does: "next", keys: ["Alt", "ArrowDown"] },
  { does: "previousUnread", keys: ["Alt", "Shift", "ArrowUp"] },
  { does: "nextUnread", keys: ["Alt", "Shift", "ArrowDown"] },
  { does: "help", keys: ["?"] },
];

export const isApple = /Mac|iP(hone|ad|od)/.test(navigator.platform);

/** Fields, and lists in which letters look for an item. */
const TAKES_TEXT = "input, textarea, select, [contenteditable], [role=menu], [role=listbox], [role=grid]";

/** Listens to the keys of the page until the returned function is called. While a dialog is open, only `find` does something. */
export function watchKeys(page: Window, acts: Readonly<Record<Act, () => void>>): () => void {
  const { document } = page;
  const isBusy = (event: KeyboardEvent) =>
    event.defaultPrevented || event.isComposing || event.keyCode === 229;
  const actOf = (event: KeyboardEvent) => SHORTCUTS.find(({ keys }) => isPressed(keys, event))?.does;
  const run = (act: Act, event: KeyboardEvent) => {
    event.preventDefault(); // or the browser opens its own search
    event.stopPropagation();
    if (act === "find" || !document.querySelector("dialog[open]")) acts[act]();
  };
  /** Keys with modifiers, before a field uses them. */
  const onCapture = (event: KeyboardEvent) => {
    const act = isBusy(event) ? undefined : actOf(event);
    if (act && act !== "help") run(act, event);
  };
  /** Characters, unless something on the page used them. */
  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target instanceof Element ? event.target : undefined;
    if (isBusy(event) || target?.closest(TAKES_TEXT)) return;
    if (actOf(event) === "help") run("help", event);
    else if (isText(event) && !document.querySelector("dialog[open]"))
      document.querySelector<HTMLElement>(".composer textarea")?.focus();
  };
  page.addEventListener("keydown", onCapture, true);
  page.addEventListener("keydown", onKeyDown);
  return () => {
    page.removeEventListener("keydown", onCapture, true);
    page.removeEventListener("keydown", onKeyDown);
  };
}

function isPressed(keys: readonly string[], event: KeyboardEvent): boolean {
  const has = (key: string) => keys.includes(key);
  const last = keys.at(-1) ?? "";
  const { altKey, ctrlKey, metaKey, shiftKey } = event;
  if (has("Alt") !== altKey || (last !== "?" && has("Shift") !== shiftKey)) return false;
  if ((isApple ? metaKey : ctrlKey) !== has("Mod") || (isApple ? ctrlKey : metaKey)) return false;
  // Keyboards for other scripts have their own letters on these keys.
  const isLatin = /^[\x21-\x7e]/.test(event.key);
  return (
    event.key.toLowerCase() === last.toLowerCase() || (!isLatin && event.code === `Key${last.toUpperCase()}`)
  );
}

/** Whether a key writes a character. The field that gets the focus now receives it. */
function isText(event: KeyboardEvent): boolean {
  const { key, altKey, ctrlKey, metaKey } = event;
  // A space presses buttons and scrolls.
  if (key === " " || [...key].length !== 1 || metaKey) return false;
  return !(ctrlKey || altKey) || event.getModifierState("AltGraph");
}
