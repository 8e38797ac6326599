/** @jsxImportSource hono/jsx/dom */
import { render } from "hono/jsx/dom";
import { createChat } from "../client/index.ts";
import { App, loadConversation } from "./app.tsx";
import { createDrafts } from "./composer/drafts.ts";
import { createRefusals } from "./composer/refusals.ts";
import { createSendings } from "./composer/sendings.ts";
import { createTalk } from "./composer/talk.ts";
import { createInvited } from "./rooms/invited.ts";
import { createLinkToken } from "./rooms/linktoken.ts";
import { watchLayers } from "./page/layers.ts";
import { createPlace } from "./page/place.ts";
import { createRegistration } from "./account/registration.ts";
import { createRooms } from "./rooms/rooms.ts";
import { loadSheet } from "./parts/sheet.ts";
import { createStorage } from "./page/storage.ts";
import { createTab } from "./page/tab.ts";
import { watchTabs } from "./page/tabs.ts";
import { speak, words } from "./words/language.ts";
import { loadSentences } from "./words/problems.ts";
import { readTheme, showTheme } from "./account/theme.ts";
import { loadMarkup } from "./text/markup.ts";
import { keepTitle } from "./page/title.ts";
import { createToday } from "./page/today.ts";
import touch from "./style/touch.css" with { type: "file" };

/** The first view needs the network first, so the work in the background begins later, in milliseconds. */
const BACKGROUND_MS = 500;
/** When to try again if its code could not be loaded, in milliseconds. */
const RETRY_MS = 10_000;

// Not awaited here: the chunk of a language imports this one, and would wait for it.
void start();

async function start() {
  const storage = createStorage(window);
  showTheme(readTheme(storage), document.documentElement);
  await speak(navigator.languages);
  document.documentElement.lang = words.language.tag;
  document.documentElement.dir = words.language.dir;
  const chat = createChat({ url: "/", storage });
  const registration = createRegistration(window); // before the place, because all read the fragment
  const invited = createInvited(window);
  const ticket = createLinkToken(window, /^#\/((?:reset|verify|unsubscribe)\/[\w.-]{1,256})$/);
  const place = createPlace(window);
  const drafts = createDrafts(chat, storage, createTab(window));
  const refusals = createRefusals(chat, storage, window);
  const sendings = createSendings(async () =>
    (await import("./files/outgoing.ts")).createOutgoing({ chat, storage, refusals, page: window }),
  );
  const rooms = createRooms({
    chat,
    talkIn: (room) => createTalk({ chat, room, drafts, refusals, sendings }),
    left(name) {
      const here = place.snapshot();
      if (here.view === "room" && here.name === name) place.replace({ view: "rooms" });
    },
  });
  watchTabs(chat, window);
  watchLayers(document);
  chat.blocks.subscribe(() => {}); // so that rooms know whose messages to fold
  keepTitle(document, rooms, place);
  const today = createToday(window);
  const sheet = matchMedia("(pointer: coarse)").matches && loadSheet(touch).catch(() => {});
  await Promise.all([chat.ready, sheet]);
  const root = document.getElementById("app");
  if (root) render(<App {...{ chat, rooms, today, place, registration, invited, ticket, storage }} />, root);
  // So that opening a room takes no time.
  loadConversation().catch(() => {});
  void loadMarkup();
  loadSentences().catch(() => {});
  const work = (afterMs: number) => {
    const start = () =>
      import("./background.ts").then(
        ({ startBackground }) => startBackground(chat, rooms, storage, sendings),
        () => work(RETRY_MS),
      );
    setTimeout(start, afterMs);
  };
  work(BACKGROUND_MS);
}
