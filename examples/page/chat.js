import { createChat } from "./client.js";

/** `?server=` and `?room=` in the page's address say otherwise. */
const asked = new URLSearchParams(location.search);
const chat = createChat({ url: asked.get("server") ?? "http://127.0.0.1:3000", storage: localStorage });

const part = (id) => document.getElementById(id);
const show = ({ message }) => (part("problem").textContent = message);
let room;

function draw() {
  const { account, connection } = chat.snapshot();
  part("enter").hidden = Boolean(account);
  part("room").hidden = !account;
  part("state").textContent = account ? `${account.username}: ${connection.state}` : "";
  if (!room) return;
  const { messages, waiting } = room.snapshot();
  const line = (className, text) => {
    const item = document.createElement("li");
    item.className = className;
    item.textContent = text; // never as HTML: it comes from others
    return item;
  };
  part("messages").replaceChildren(
    ...messages.map((message) =>
      message.deletedAt
        ? line("deleted", `${message.username} deleted this`)
        : line("message", `${message.username}: ${message.content}`),
    ),
    ...waiting.map(({ content }) => line("waiting", `${content} …`)),
  );
}

part("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(event.target));
  part("problem").textContent = "";
  await chat[event.submitter.value]({ email, password }).catch(show);
});

part("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const { text } = event.target.elements;
  room.send(text.value).catch(show); // it is in `waiting` at once, and is sent when there is a connection
  text.value = "";
});

part("leave").addEventListener("click", () => chat.logout().catch(show));

chat.subscribe(draw);
chat.on("session", ({ account }) => {
  room = account && chat.room(asked.get("room") ?? "lobby");
  room?.subscribe(draw);
  draw();
});
await chat.ready; // whoever was signed in when the page was left still is
draw();
