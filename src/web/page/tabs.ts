import type { Chat } from "../../client/index.ts";

/** Reloads this tab when another person signs in, or the person signs out, in another tab. */
export function watchTabs(chat: Chat, page: Window): void {
  page.addEventListener("storage", ({ key, newValue }) => {
    if (!key?.startsWith("parley ") || !key.endsWith(" session")) return;
    if (emailIn(newValue) !== chat.snapshot().account?.email) page.location.reload();
  });
}

function emailIn(kept: string | null): string | undefined {
  try {
    const { email } = JSON.parse(kept ?? "{}") as { email?: unknown };
    return typeof email === "string" ? email : undefined;
  } catch {
    return undefined;
  }
}
