import { useLayoutEffect, useRef } from "hono/jsx/dom";

/** What can have the focus. */
export const CONTROLS =
  "a[href], button, input, select, textarea, summary, audio[controls], video[controls], [tabindex]";
/** Nobody expects the focus to jump from one of these to another. */
const REGIONS = "body, #app, .desk, main, aside, .sidebar";
/** Where the focus goes if nothing near its old place is left, the best first. */
const HOMES = [
  ".composer textarea",
  "main .blank :is(a, button)",
  ".messages",
  "main :is(input, a[href], button)",
  ".sidebar [tabindex='0']",
  ".sidebar .search",
];
/** On a touch device, the composer would open the keyboard. */
const HOMES_TOUCH = HOMES.slice(1);

/** An element that had the focus, and its ancestors, with their positions among their siblings. */
type Trail = readonly { readonly node: Element; readonly at: number }[];

/** The open layers, the topmost last. */
const stack: { readonly close: () => void }[] = [];
/** For elements of layers: where the focus was when the layer opened. */
const origins = new WeakMap<Element, { readonly trail: Trail; readonly isOpen: () => boolean }>();
let trail: Trail = [];

/** Whether Escape closes something. */
export const isLayerOpen = (): boolean => stack.length > 0;

/**
 * A layer, while `open`: something that Escape closes, such as a dialog, a panel or an edit. Escape closes the topmost one.
 * If the layer's element has the returned ref, the focus goes into it, and back when it disappears.
 */
export function useLayer<E extends HTMLElement>(open: boolean, close: () => void) {
  const element = useRef<E>(null);
  const latest = useRef(close);
  latest.current = close;
  useLayoutEffect(() => {
    if (!open) return;
    const layer = { close: () => latest.current?.() };
    stack.push(layer);
    const inside = element.current;
    if (inside) origins.set(inside, { trail, isOpen: () => stack.includes(layer) });
    if (inside && !inside.contains(document.activeElement))
      [...inside.querySelectorAll(CONTROLS)].some(focus);
    return () => void stack.splice(stack.indexOf(layer), 1);
  }, [open]);
  return element;
}

/** A modal dialog that opens with the component. Returns the ref for its element. */
export function useDialog() {
  const dialog = useLayer<HTMLDialogElement>(true, () => dialog.current?.close());
  useLayoutEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  return dialog;
}

/** Closes the topmost layer on Escape, and finds a place for the focus when its element disappears. Call once. */
export function watchLayers(page: Document): void {
  page.addEventListener("keydown", (event) => {
    // Safari ends a composition before the key that ended it: its code is 229.
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || event.keyCode === 229)
      return;
    const top = stack.at(-1);
    if (!top) return;
    event.preventDefault();
    top.close();
  });
  page.addEventListener("focusin", () => (trail = trailOf(page.activeElement)));
  page.addEventListener("focusout", () =>
    // A person who clicks on nothing wants the focus nowhere. An element that disappears or is disabled has lost it.
    setTimeout(() => {
      const [last] = trail;
      if (last && isNowhere() && page.hasFocus() && isUsable(last.node)) trail = [];
    }),
  );
  const look = () => {
    const [last] = trail;
    if (!last || !isNowhere()) return;
    // A button that waits for its work has lost the focus too. It gets it back when it can be pressed again.
    if (isShown(last.node) && last.node.matches(":disabled")) return;
    if (!recover(trail)) goHome();
  };
  const options = { childList: true, subtree: true, attributeFilter: ["disabled", "hidden"] };
  new MutationObserver(look).observe(page.body, options);
  // A change of the address may hide the element without a change of the document.
  addEventListener("hashchange", () => requestAnimationFrame(() => requestAnimationFrame(look)));
}

/** Moves the focus to where it is most useful: the composer, or the conversation, or the list of rooms. */
export function goHome(): void {
  const homes = matchMedia("(pointer: coarse)").matches ? HOMES_TOUCH : HOMES;
  homes.some((home) => [...document.querySelectorAll(home)].some(focus));
}

/** Moves the focus to the nearest place that is left: the element, its neighbour, its surroundings, or the layer's origin. */
function recover(lost: Trail): boolean {
  let at = 0;
  for (const place of lost) {
    const { node } = place;
    const origin = origins.get(node);
    if (origin && !origin.isOpen()) {
      origins.delete(node);
      if (recover(origin.trail)) return true;
    }
    if (isShown(node)) {
      if (node.matches(REGIONS)) return false;
      if ((node.matches(CONTROLS) && focus(node)) || near(node, at).some(focus)) return true;
    }
    at = place.at;
  }
  return false;
}

/** Returns the controls in an element, those from its child at a position first. */
function near(parent: Element, at: number): Element[] {
  const children = [...parent.children];
  const controls = (child: Element) => [
    ...(child.matches(CONTROLS) ? [child] : []),
    ...child.querySelectorAll(CONTROLS),
  ];
  const [before, after] = [children.slice(0, at), children.slice(at)].map((part) => part.flatMap(controls));
  return [...(after ?? []), ...(before ?? []).reverse()];
}

function trailOf(target: Element | null): Trail {
  const places = [];
  for (let node = target; node; node = node.parentElement)
    places.push({ node, at: [...(node.parentElement?.children ?? [])].indexOf(node) });
  return places;
}

const isNowhere = () =>
  [null, document.body, document.documentElement].includes(document.activeElement as HTMLElement);
const isShown = (node: Element) => node.isConnected && node.checkVisibility({ visibilityProperty: true });
const isUsable = (node: Element) => isShown(node) && !node.matches(":disabled");

function focus(node: Element): boolean {
  if (!(node instanceof HTMLElement) || !isUsable(node)) return false;
  node.focus({ preventScroll: true });
  return document.activeElement === node;
}
