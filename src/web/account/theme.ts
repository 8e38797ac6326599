import type { PageStorage } from "../page/storage.ts";

/** The page's colours: those of the system, or the person's choice. */
export type Theme = "system" | "light" | "dark";

const KEY = "parley theme";

const isTheme = (value: unknown): value is Theme =>
  value === "system" || value === "light" || value === "dark";

export function readTheme(storage: PageStorage): Theme {
  const kept = storage.getItem(KEY);
  return isTheme(kept) ? kept : "system";
}

export function setTheme(storage: PageStorage, theme: Theme, root: HTMLElement): void {
  if (theme === "system") storage.removeItem(KEY);
  else storage.setItem(KEY, theme);
  showTheme(theme, root);
}

export function showTheme(theme: Theme, root: HTMLElement): void {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
}
