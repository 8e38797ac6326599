import { CONTROLS, isLayerOpen } from "./layers.ts";

interface RovingOptions {
  readonly box: HTMLElement;
  /** A selector of the items. */
  readonly items: string;
  /** Called before the focus goes to the last item: it may not be on the page. */
  readonly end?: () => void;
  /** Called on Escape. */
  readonly leave?: () => void;
}

/** How long Enter waits for an item's actions, whose code may still be loading, in frames. */
const ACTIONS_FRAMES = 60;

/**
 * Makes a list one stop of the Tab key. Arrow keys, Home and End move the focus from item to item; Tab goes through what is
 * in the item that has it, and then leaves. Enter goes to the item's actions. Returns a function that stops it.
 *
 * If the box can have the focus itself, it stands for its items, and passes the focus on to one that is in view.
 */
export function rove({ box, items, end, leave }: RovingOptions): () => void {
  const passes = box.hasAttribute("tabindex");
  const ours = new WeakSet<HTMLElement>();
  let current: HTMLElement | undefined;
  const all = () => [...box.querySelectorAll<HTMLElement>(items)];
  const itemOf = (target: EventTarget | null) =>
    (target as Element | null)?.closest<HTMLElement>(items) ?? undefined;

  const apply = () => {
    const list = all();
    const inside = itemOf(document.activeElement);
    const isHere = inside !== undefined && box.contains(inside);
    if (isHere) current = inside;
    else if (!current?.isConnected)
      current = passes ? undefined : (list.find((one) => one.ariaCurrent) ?? list[0]);
    if (passes) set(box, isHere ? -1 : 0);
    for (const item of list) set(item, item === current && (isHere || !passes) ? 0 : -1);
    for (const control of box.querySelectorAll<HTMLElement>(`:is(${items}) :is(${CONTROLS})`)) {
      if (control.tabIndex < 0 && !ours.has(control)) continue; // It is not meant for the Tab key.
      ours.add(control);
      set(control, isHere && current?.contains(control) ? 0 : -1);
    }
  };

  const inView = (item: HTMLElement) => {
    const [outer, inner] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
    return inner.top < outer.bottom - 1 && inner.bottom > outer.top + 1;
  };
  /** Actions appear a frame after the focus. */
  const enter = (item: HTMLElement, frames: number): void => {
    if (document.activeElement !== item) return;
    const action = item.querySelector<HTMLElement>(`.actions :is(${CONTROLS})`);
    if (!action && frames > 0) return void requestAnimationFrame(() => enter(item, frames - 1));
    (action ?? item.querySelector<HTMLElement>(CONTROLS))?.focus();
  };
  const onFocusIn = ({ target }: FocusEvent) => {
    if (target === box && box.matches(":focus-visible"))
      (current?.isConnected && inView(current) ? current : all().findLast(inView))?.focus();
    apply();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { key, target } = event;
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if ((target as Element).matches("input, select, textarea")) return;
    const list = all();
    const item = itemOf(target);
    const at = item ? list.indexOf(item) : list.length;
    const go = (to: HTMLElement | null | undefined) => {
      if (!to) return;
      event.preventDefault();
      to.focus();
    };
    if (key === "ArrowDown") go(list[at + 1]);
    else if (key === "ArrowUp") go(list[at - 1]);
    else if (key === "Home") go(list[0]);
    else if (key === "End") {
      end?.();
      const last = () => box.contains(document.activeElement) && all().at(-1)?.focus();
      requestAnimationFrame(() => requestAnimationFrame(last));
      go(list.at(-1));
    } else if (key === "Enter" && item && target === item && !item.matches("a, button")) {
      event.preventDefault();
      enter(item, ACTIONS_FRAMES);
    } else if (key === "Escape" && !isLayerOpen() && item) {
      event.preventDefault();
      if (target === item) leave?.();
      else item.focus();
    }
  };

  const observer = new MutationObserver(apply);
  observer.observe(box, { childList: true, subtree: true, attributeFilter: ["aria-current"] });
  box.addEventListener("focusin", onFocusIn);
  box.addEventListener("focusout", apply);
  box.addEventListener("keydown", onKeyDown);
  apply();
  return () => {
    observer.disconnect();
    box.removeEventListener("focusin", onFocusIn);
    box.removeEventListener("focusout", apply);
    box.removeEventListener("keydown", onKeyDown);
  };
}

function set(element: HTMLElement, index: number): void {
  if (element.getAttribute("tabindex") !== String(index)) element.tabIndex = index;
}
