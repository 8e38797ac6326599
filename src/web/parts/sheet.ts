const sheets = new Map<string, Promise<void>>();

/** Adds a style sheet to the page, once. Rejects if it cannot be loaded; the next call tries again. */
export function loadSheet(href: string): Promise<void> {
  const known = sheets.get(href);
  if (known) return known;
  const loading = new Promise<void>((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      sheets.delete(href);
      reject(new Error(`${href} could not be loaded`));
    };
    document.head.append(link);
  });
  sheets.set(href, loading);
  return loading;
}
