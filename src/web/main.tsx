/** @jsxImportSource hono/jsx/dom */
import { render } from "hono/jsx/dom";
import { createChat } from "../client/index.ts";
import { App } from "./app.tsx";
import { createInvited } from "./invited.ts";
import { createPlace } from "./place.ts";
import { createRegistration } from "./registration.ts";
import { createRooms } from "./rooms.ts";
import { watchTabs } from "./tabs.ts";
import { readTheme, showTheme } from "./theme.ts";
import { keepTitle } from "./title.ts";

/** Returns undefined if the browser blocks storage. */
function storageOf(page: Window): Storage | undefined {
  try {
    return page.localStorage;
  } catch {
    return undefined;
  }
}

const storage = storageOf(window);
showTheme(readTheme(storage), document.documentElement);
const chat = createChat({ url: "/", ...(storage && { storage }) });
const registration = createRegistration(window); // before the place, because all read the fragment
const invited = createInvited(window);
const place = createPlace(window);
const rooms = createRooms(chat, (name) => {
  const here = place.snapshot();
  if (here.view === "room" && here.name === name) place.replace({ view: "rooms" });
});
watchTabs(chat, window);
chat.blocks.subscribe(() => {}); // so that rooms know whose messages to fold
keepTitle(document, rooms, place);
await chat.ready;
const root = document.getElementById("app");
if (root) render(<App {...{ chat, rooms, place, registration, invited, storage }} />, root);
