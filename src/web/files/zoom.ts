/** How a picture is moved and enlarged. */
export interface Zoom {
  readonly scale: number;
  /** How far its middle is from the middle of the stage, in CSS pixels. */
  readonly x: number;
  readonly y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
const SCALE_MAX = 8;
/** What a double click enlarges to. */
const CLOSER = 2.5;
/** A picture that is pulled this far to the side, in pixels, gives way to the next one. Down, it closes. */
const FAR = 60;
const FAR_DOWN = 110;
/** A pointer that moves less than this clicks, in pixels. */
const SLACK = 6;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Enlarges by a factor. The point, from the middle of the stage, stays where it is. */
export function zoomed(zoom: Zoom, factor: number, { x, y }: Point = { x: 0, y: 0 }): Zoom {
  const scale = Math.min(SCALE_MAX, Math.max(1, zoom.scale * factor));
  if (scale === 1) return WHOLE;
  const by = scale / zoom.scale;
  return { scale, x: x - (x - zoom.x) * by, y: y - (y - zoom.y) * by };
}

/** Keeps a picture of this size from leaving the stage. */
export function within(zoom: Zoom, picture: Size, stage: Size): Zoom {
  const limit = (offset: number, size: number, room: number) => {
    const most = Math.max(0, (size * zoom.scale - room) / 2);
    return Math.min(most, Math.max(-most, offset));
  };
  return {
    scale: zoom.scale,
    x: limit(zoom.x, picture.width, stage.width),
    y: limit(zoom.y, picture.height, stage.height),
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface StageOptions {
  get(): Zoom;
  set(zoom: Zoom): void;
  /** The picture is pulled to this place while a finger is down, or back to 0. */
  pull(x: number, y: number): void;
  /** 1: the finger moved to the right. */
  swipe(direction: 1 | -1): void;
  close(): void;
}

/**
 * Finds out what pointers do on the stage of the gallery: wheels and two fingers enlarge, one moves what is enlarged, and else
 * swipes. Returns a function that stops it.
 */
export function watchStage(stage: HTMLElement, { get, set, pull, swipe, close }: StageOptions): () => void {
  const fingers = new Map<number, Point>();
  let start: Point | undefined;
  let moved = false;

  const middle = ({ x, y }: Point): Point => {
    const box = stage.getBoundingClientRect();
    return { x: x - box.left - box.width / 2, y: y - box.top - box.height / 2 };
  };
  const span = () => {
    const [one, two] = [...fingers.values()];
    if (!one || !two) return undefined;
    const at = middle({ x: (one.x + two.x) / 2, y: (one.y + two.y) / 2 });
    return { length: Math.hypot(one.x - two.x, one.y - two.y), at };
  };
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0 || (event.target as Element).closest("button")) return;
    // What is drawn must not be dragged away.
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size > 1) return pull(0, 0);
    start = { x: event.clientX, y: event.clientY };
    moved = false;
  };
  const onMove = (event: PointerEvent) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const earlier = span();
    fingers.set(event.pointerId, now);
    const later = span();
    if (earlier && later) {
      moved = true;
      const next = zoomed(get(), later.length / (earlier.length || 1), later.at);
      return set({ ...next, x: next.x + later.at.x - earlier.at.x, y: next.y + later.at.y - earlier.at.y });
    }
    if (!start) return;
    const [across, along] = [now.x - start.x, now.y - start.y];
    if (!moved && Math.hypot(across, along) < SLACK) return;
    moved = true;
    const zoom = get();
    if (zoom.scale > 1) set({ ...zoom, x: zoom.x + now.x - before.x, y: zoom.y + now.y - before.y });
    else if (event.pointerType === "touch") {
      const isAcross = Math.abs(across) > Math.abs(along);
      pull(isAcross ? across : 0, isAcross ? 0 : Math.max(0, along));
    }
  };
  const onUp = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId) || !start || fingers.size > 0) return;
    const [across, along] = [event.clientX - start.x, event.clientY - start.y];
    const swiped = event.type === "pointerup" && event.pointerType === "touch" && get().scale === 1 && moved;
    start = undefined;
    pull(0, 0);
    if (!swiped) return;
    if (Math.abs(across) > Math.abs(along)) {
      if (Math.abs(across) >= FAR) swipe(across > 0 ? 1 : -1);
    } else if (along >= FAR_DOWN) close();
  };
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    set(zoomed(get(), Math.exp(-event.deltaY / 300), middle({ x: event.clientX, y: event.clientY })));
  };
  const onDouble = (event: MouseEvent) => {
    if ((event.target as Element).closest("button")) return;
    const zoom = get();
    const at = middle({ x: event.clientX, y: event.clientY });
    set(zoom.scale > 1 ? WHOLE : zoomed(zoom, CLOSER, at));
  };

  const listeners = [
    ["pointerdown", onDown],
    ["pointermove", onMove],
    ["pointerup", onUp],
    ["pointercancel", onUp],
    ["wheel", onWheel],
    ["dblclick", onDouble],
  ] as [string, EventListener][];
  for (const [type, listener] of listeners) stage.addEventListener(type, listener, { passive: false });
  return () => {
    for (const [type, listener] of listeners) stage.removeEventListener(type, listener);
  };
}
