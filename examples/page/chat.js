import { createChat } from "@parley-chat/client";

const chat = createChat({ url: "http://127.0.0.1:3000", storage: localStorage });
const element = (id) => document.getElementById(id);
const showProblem = ({ message }) => (element("problem").textContent = message);
let room;

function draw() {
  const { account, connection } = chat.snapshot();
  element("enter").hidden = Boolean(account);
  element("room").hidden = !account;
  element("state").textContent = account ? `${account.username}: ${connection.state}` : "";
  const { messages, waiting } = room?.snapshot() ?? { messages: [], waiting: [] };
  element("messages").replaceChildren(
    ...messages.map(({ username, content, deletedAt }) =>
      line("message", `${username}: ${deletedAt ? "(deleted)" : content}`),
    ),
    ...waiting.map(({ content }) => line("waiting", `${content} …`)),
  );
}

function line(className, text) {
  const item = document.createElement("li");
  item.className = className;
  item.textContent = text; // never as HTML: other people wrote it
  return item;
}

element("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(event.target));
  element("problem").textContent = "";
  await chat[event.submitter.value]({ email, password }).catch(showProblem); // login or register
});

element("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const { text } = event.target.elements;
  room.send(text.value).catch(showProblem); // in `waiting` at once, and sent when there is a connection
  text.value = "";
});

element("leave").addEventListener("click", () => chat.logout().catch(showProblem));

chat.subscribe(draw);
chat.on("session", ({ account }) => {
  room = account && chat.room("lobby");
  room?.subscribe(draw);
  draw();
});
await chat.ready; // restores the session of an earlier visit
draw();
