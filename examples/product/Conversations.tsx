import { useRooms } from "@parley-chat/client/react";

/** The list of a person's conversations, newest first, with what is unread. */
export function Conversations({ current }: { current: string | null }) {
  const { items, more, list } = useRooms();
  const unread = items.reduce((sum, room) => sum + room.unread, 0);
  return (
    <nav>
      <h2>Your conversations {unread > 0 && <b className="badge">{unread > 99 ? "99+" : unread}</b>}</h2>
      <ul>
        {items.map(({ room, title, last, unread, archived }) => (
          <li key={room} aria-current={room === current}>
            <a href={`?room=${encodeURIComponent(room)}`}>{title || room}</a>
            {last && ` ${last.user.name ?? last.username}: ${last.content}`}
            {unread > 0 && <b className="unread">{unread} new</b>}
            {archived && " (closed)"}
          </li>
        ))}
      </ul>
      {more && <button onClick={() => list.load()}>More</button>}
    </nav>
  );
}
