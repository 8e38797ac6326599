import { ChatError, createChat } from "@parley-chat/client";
import { ChatProvider, useConnection } from "@parley-chat/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Conversation } from "./Conversation.tsx";
import { Conversations } from "./Conversations.tsx";

/** Returns a token of the shop. If it throws, it is called again, unless somebody has to log in first. */
async function tokens(): Promise<string> {
  const response = await fetch("/chat/token");
  if (response.status === 401) throw new ChatError("signed_out", await response.text());
  if (!response.ok) throw new Error(`no token: status ${response.status}`);
  return response.text();
}

/** Says what keeps the person from chatting. */
function Trouble() {
  const connection = useConnection();
  if (connection.state === "closed") return <p role="alert">{connection.error.message}</p>;
  if (connection.state === "waiting") return <p role="status">No connection. What you send is kept.</p>;
  return null;
}

const chat = createChat({ url: await (await fetch("/chat/url")).text(), tokens });
const room = new URLSearchParams(location.search).get("room");

createRoot(document.getElementById("app")!).render(
  <StrictMode>
    <ChatProvider chat={chat}>
      <Trouble />
      <Conversations current={room} />
      {room && <Conversation name={room} />}
    </ChatProvider>
  </StrictMode>,
);
