import { createChat } from "./client.js";

/** `?server=` and `?room=` in the page's address override the defaults. */
const query = new URLSearchParams(location.search);
const chat = createChat({ url: query.get("server") ?? "http://127.0.0.1:3000", storage: localStorage });

const element = (id) => document.getElementById(id);
const showProblem = ({ message }) => (element("problem").textContent = message);
let room;

function draw() {
  const { account, connection } = chat.snapshot();
  element("enter").hidden = Boolean(account);
  element("room").hidden = !account;
  element("state").textContent = account ? `${account.username}: ${connection.state}` : "";
  if (!room) return;
  const { messages, waiting } = room.snapshot();
  const line = (className, text) => {
    const item = document.createElement("li");
    item.className = className;
    item.textContent = text; // never as HTML: other people wrote it
    return item;
  };
  element("messages").replaceChildren(
    ...messages.map((message) =>
      message.deletedAt
        ? line("deleted", `${message.username} deleted this`)
        : line("message", `${message.username}: ${message.content}`),
    ),
    ...waiting.map(({ content }) => line("waiting", `${content} …`)),
  );
}

element("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(event.target));
  element("problem").textContent = "";
  await chat[event.submitter.value]({ email, password }).catch(showProblem);
});

element("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const { text } = event.target.elements;
  room.send(text.value).catch(showProblem); // appears in `waiting` immediately, and is sent when connected
  text.value = "";
});

element("leave").addEventListener("click", () => chat.logout().catch(showProblem));

chat.subscribe(draw);
chat.on("session", ({ account }) => {
  room = account && chat.room(query.get("room") ?? "lobby");
  room?.subscribe(draw);
  draw();
});
await chat.ready; // restores the session of an earlier visit
draw();
