import { swallowClick } from "../parts/dismiss.ts";

/** A finger that stays this long opens the actions, in milliseconds. */
const HOLD_MS = 450;
/** A finger that moves further than this, in pixels, scrolls or swipes. */
const SLACK = 10;
/** A message that was pulled this far to the side is replied to, in pixels. */
const FAR = 56;
const FURTHEST = 80;

interface Gestures {
  /** A finger stays on a message. */
  hold(row: HTMLElement): void;
  /** A message was pulled to the side. */
  swipe(row: HTMLElement): void;
}

interface Touch {
  readonly id: number;
  readonly x: number;
  readonly y: number;
  readonly row: HTMLElement;
  readonly timer: ReturnType<typeof setTimeout>;
  /** How far the row was pulled. Undefined until the finger moves sideways. */
  pulled?: number;
}

/** Finds out what fingers do with the messages in a box. Returns a function that stops it. */
export function watchGestures(box: HTMLElement, { hold, swipe }: Gestures): () => void {
  let touch: Touch | undefined;

  const end = () => {
    if (!touch) return;
    clearTimeout(touch.timer);
    touch.row.classList.remove("pulled", "far");
    touch.row.style.removeProperty("--pull");
    touch = undefined;
  };
  const held = (row: HTMLElement) => {
    end();
    // The finger is still down, and the actions may appear below it.
    swallowClick();
    hold(row);
  };
  const onDown = ({
    pointerType,
    isPrimary,
    pointerId: id,
    clientX: x,
    clientY: y,
    target,
  }: PointerEvent) => {
    end();
    const row = (target as Element).closest<HTMLElement>("[data-id]");
    // Links have a menu of the browser, code scrolls sideways, and players have sliders.
    const isTaken = (target as Element).closest("a[target], pre, audio, video");
    if (pointerType !== "touch" || !isPrimary || !row || isTaken) return;
    touch = { id, x, y, row, timer: setTimeout(held, HOLD_MS, row) };
  };
  const onMove = ({ pointerId, clientX, clientY }: PointerEvent) => {
    if (!touch || touch.id !== pointerId) return;
    const [across, along] = [clientX - touch.x, clientY - touch.y];
    if (touch.pulled === undefined) {
      if (Math.hypot(across, along) < SLACK) return;
      clearTimeout(touch.timer);
      if (Math.abs(across) < 1.5 * Math.abs(along)) return end();
    }
    touch.pulled = Math.max(-FURTHEST, Math.min(FURTHEST, across));
    touch.row.classList.add("pulled");
    touch.row.classList.toggle("far", Math.abs(touch.pulled) >= FAR);
    touch.row.style.setProperty("--pull", `${touch.pulled}px`);
  };
  const onUp = ({ pointerId }: PointerEvent) => {
    if (!touch || touch.id !== pointerId) return;
    const { row, pulled = 0 } = touch;
    end();
    if (Math.abs(pulled) >= FAR) swipe(row);
  };
  /** Android shows a menu for a finger that stays. */
  const onMenu = (event: Event) => {
    const byTouch = (event as PointerEvent).pointerType === "touch";
    if (byTouch && !(event.target as Element).closest("a[target]")) event.preventDefault();
  };

  const listeners = [
    ["pointerdown", onDown],
    ["pointermove", onMove],
    ["pointerup", onUp],
    ["pointercancel", end],
    ["contextmenu", onMenu],
  ] as [string, EventListener][];
  for (const [type, listener] of listeners) box.addEventListener(type, listener);
  return () => {
    end();
    for (const [type, listener] of listeners) box.removeEventListener(type, listener);
  };
}
