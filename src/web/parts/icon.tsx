/** @jsxImportSource hono/jsx/dom */

/** Strokes on a 24 × 24 grid, 2 wide. */
const PATHS = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  enter: "M20 5v8H5M9 9l-4 4 4 4",
  leave: "M10 4H5v16h5M10 12h11M17 8l4 4-4 4",
  flag: "M6 21V4h11l-2 4 2 4H6",
  hash: "M9 4L7 20M17 4l-2 16M4 9h16M3 15h16",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  messages: "M4 17V5h13v4M4 17l3-3M15 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM18 18l3 3",
  more: "M5 12v.01M12 12v.01M19 12v.01",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.3M18 14.4c2.1.8 3.5 2.8 3.5 5.6",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  plus: "M12 5v14M5 12h14",
  react:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.5c.8 1.2 2 2 3.5 2s2.700-.8 3.500-2M9 9.500v.01M15 9.500v.01",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  reply: "M10 6L4 12l6 6M4 12h9c4 0 7 2 7 6",
  save: "M7 4h10v16l-5-4-5 4z",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  send: "M4 12L20 4l-5 16-3.500-6.500zM11.500 13.500L20 4",
  thread: "M4 5h13v9H9l-5 4zM20 9v11l-4-3h-6",
  unread: "M4 6h9M4 6v12h16v-7M4 7l8 6 3-2M19 7a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  up: "M12 19V5M6 11l6-6 6 6",
} as const;

/** These point in the direction of the text. */
const TURNING: readonly string[] = ["back", "leave", "reply", "send"];

interface IconProps {
  readonly name?: keyof typeof PATHS;
  /** Strokes of an icon that only some part of the page has. */
  readonly path?: string;
  /** What it says to screen readers, if the text beside it does not. */
  readonly label?: string;
}

export const Icon = ({ name = "more", path = PATHS[name], label }: IconProps) => (
  <svg
    class={TURNING.includes(name) ? "icon turns" : "icon"}
    viewBox="0 0 24 24"
    {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" })}
  >
    <path d={path} />
  </svg>
);
