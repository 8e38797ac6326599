import type { Chat } from "../client/index.ts";

/** Who signs in, or as somebody else, in one tab does so in all of them. */
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
