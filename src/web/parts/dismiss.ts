import { useLayoutEffect } from "hono/jsx/dom";
import { useEffect } from "./effect.ts";

/** Steps back that the page made itself. */
const own = new WeakSet<Event>();

/** While the component is shown, Back closes it and leads nowhere else. */
export function useBack(close: () => void): void {
  useEffect(() => {
    const onBack = (event: Event) => void (own.has(event) || close());
    history.pushState({ ...history.state, layer: true }, "");
    addEventListener("popstate", onBack);
    return () => {
      removeEventListener("popstate", onBack);
      // Unless Back has closed it, or the page shows another place by now.
      if (!history.state?.layer) return;
      addEventListener("popstate", (event) => own.add(event), { once: true });
      history.back();
    };
  }, []);
}

/** A press outside the element closes it, and does nothing else. */
export function useOutside(element: { readonly current: Element | null }, close: () => void): void {
  // Before the next press can come.
  useLayoutEffect(() => {
    const onPointerDown = (event: Event) => {
      if (element.current?.contains(event.target as Node)) return;
      swallow(event);
      swallowClick();
      close();
    };
    addEventListener("pointerdown", onPointerDown, { capture: true });
    return () => removeEventListener("pointerdown", onPointerDown, { capture: true });
  }, []);
}

/** Swallows the click that the present press may end in, wherever that is by then. */
export function swallowClick(): void {
  const onClick = (event: Event) => {
    swallow(event);
    stop();
  };
  const stop = () => {
    removeEventListener("click", onClick, { capture: true });
    removeEventListener("pointerdown", stop, { capture: true });
  };
  addEventListener("click", onClick, { capture: true });
  // Not while the present event is still on its way.
  setTimeout(() => addEventListener("pointerdown", stop, { capture: true }));
}

function swallow(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}
