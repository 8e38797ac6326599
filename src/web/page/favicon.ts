import type { Rooms } from "../rooms/rooms.ts";

/** The same as `icon.svg`, with a mark that shows that something is unread, and how much if it fits. */
const marked = (count: number) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#0f6b5c"/><path d="M8 10.5A2.5 2.5 0 0 1 10.5 8h11a2.5 2.5 0 0 1 2.5 2.5v7a2.5 2.5 0 0 1-2.5 2.5H15l-4.6 4v-4A2.5 2.5 0 0 1 8 17.5Z" fill="#fff"/><circle cx="22" cy="22" r="10" fill="#c4314b"/>${
    count > 9
      ? ""
      : `<text x="22" y="27.5" font-family="sans-serif" font-size="15" font-weight="700" fill="#fff" text-anchor="middle">${count}</text>`
  }</svg>`;

/** Shows in the icon of the tab whether messages are unread. */
export function keepFavicon(page: Document, rooms: Rooms): void {
  const link = page.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (!link) return;
  const plain = link.href;
  const write = () => {
    const { unread } = rooms.snapshot();
    const href = unread > 0 ? `data:image/svg+xml,${encodeURIComponent(marked(unread))}` : plain;
    if (link.href !== href) link.href = href;
  };
  rooms.subscribe(write);
  write();
}
