import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { loadSheet } from "../parts/sheet.ts";
import sheet from "../style/text.css" with { type: "file" };

type Markup = typeof import("./rich.tsx");

/** A text without any of these has neither markup nor addresses. */
const SIGNS = /[`*_~\[@>]|:\/\/|www\.|^ *(?:-|\d{1,9}[.)])[ \t]/im;
/** No preview shows more, in UTF-16 units. */
const PREVIEW_MAX = 300;

let loaded: Markup | undefined;
let loading: Promise<unknown> | undefined;

/** Loads the code for markup, once. If that fails, texts stay as they were written, and the next one tries again. */
export const loadMarkup = (): Promise<unknown> =>
  (loading ??= Promise.all([import("./rich.tsx"), loadSheet(sheet)]).then(
    ([module]) => (loaded = module),
    () => (loading = undefined),
  ));

export const hasSigns = (text: string): boolean => SIGNS.test(text);

/** Returns the code for markup if a text needs it. Until it is loaded, returns undefined. */
export function useMarkup(text: string): Markup | undefined {
  const needed = hasSigns(text);
  const [, setLoaded] = useState(loaded !== undefined);
  useEffect(() => {
    let shown = needed;
    if (needed) void loadMarkup().then(() => shown && setLoaded(loaded !== undefined));
    return () => void (shown = false);
  }, [needed]);
  return needed ? loaded : undefined;
}

/** Returns a text in one line, without its markup if the code for that can be loaded. */
export async function plain(text: string): Promise<string> {
  if (hasSigns(text)) await loadMarkup();
  return plainNow(text);
}

/** Returns a text in one line, without its markup if the code for that is loaded. */
export function plainNow(text: string): string {
  const start = text.slice(0, PREVIEW_MAX);
  return loaded && hasSigns(start) ? loaded.plainOf(start) : start;
}
