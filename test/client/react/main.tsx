/** @jsxImportSource react */
import { createRoot, hydrateRoot } from "react-dom/client";
import { type App, appOf, chatOf, Page } from "./app.tsx";

declare global {
  var app: App;
}

const { chat: url = "", token = "", rooms, list } = Object.fromEntries(new URLSearchParams(location.search));
const chat = chatOf(url, token);
globalThis.app = appOf(chat);
const root = document.getElementById("root") as HTMLElement;
const page = <Page chat={chat} rooms={rooms?.split(",") ?? []} list={list !== undefined} />;
if (root.childElementCount === 0) createRoot(root).render(page);
else
  hydrateRoot(root, page, {
    onRecoverableError: (error) => console.error("not the server's page", error),
  });
