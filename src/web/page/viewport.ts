/**
 * Keeps the page above a keyboard on the screen. Some browsers make the page smaller by themselves; Safari lays the keyboard
 * over it.
 */
export function fitViewport(page: Window): void {
  const { visualViewport: visible, document } = page;
  if (!visible) return;
  const { style } = document.documentElement;
  const fit = () => {
    const isCovered = visible.scale === 1 && page.innerHeight - visible.height > 1;
    if (!isCovered) return void style.removeProperty("--height");
    style.setProperty("--height", `${visible.height}px`);
    // Safari has moved the page up to show the field, which is not needed any more.
    page.scrollTo(0, 0);
  };
  visible.addEventListener("resize", fit);
  visible.addEventListener("scroll", fit);
}
