import { createChat } from "@parley-chat/client";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Conversation } from "./Conversation.tsx";

const textOf = async (path: string) => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(await response.text());
  return response.text();
};

const chat = createChat({ url: await textOf("/chat/url"), tokens: () => textOf("/chat/token") });
const order = new URLSearchParams(location.search).get("order") ?? "7";

createRoot(document.getElementById("app")!).render(
  <StrictMode>
    <Conversation chat={chat} order={order} />
  </StrictMode>,
);
