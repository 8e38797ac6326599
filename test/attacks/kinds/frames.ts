import type { Attack } from "../target.ts";
import { flood, head, pause, repeat, socket, tcp, uuid } from "../tools.ts";
import { ROOMS } from "../target.ts";

const json = JSON.stringify;

/** Joins rooms on each socket and then sends frames. */
const inRooms = (rooms: number, frame: (room: string, index: number) => string): Attack["play"] => {
  return (means) =>
    flood(means, 2, (index) => {
      const room = `${ROOMS.crowd}${index % rooms}`;
      return index < rooms * 2 ? json({ type: "join", ref: index, room }) : frame(room, index);
    });
};

export const frames: readonly Attack[] = [
  {
    name: "pings without end",
    play: (means) => flood(means, 1, (index) => json({ type: "ping", ref: index })),
  },
  { name: "broken JSON without end", play: (means) => flood(means, 1, () => '{"type":') },
  {
    name: "unknown commands on 50 sockets",
    play: (means) => flood(means, 50, (index) => json({ type: `x${index}`, ref: index })),
  },
  { name: "empty frames", play: (means) => flood(means, 2, () => "") },
  { name: "binary frames", play: (means) => flood(means, 2, () => new Uint8Array(2_000)) },
  {
    name: "plain frames without end",
    play: (means) =>
      flood(means, 2, () => json({ message: "hi", clientId: uuid() }), {
        plain: true,
        path: "/ws/chat/flooded/",
      }),
  },
  {
    name: "read marks without end",
    play: (means) =>
      flood(means, 2, (index) => json({ type: "read", room: ROOMS.long, id: 1 + (index % 19_000) })),
  },
  { name: "typing in 100 rooms", play: inRooms(100, (room) => json({ type: "typing", room })) },
  {
    name: "typing in the bystander's room",
    play: (means) =>
      flood(means, 5, (index) =>
        json({ type: index % 50 ? "typing" : "join", ref: index, room: means.target.room }),
      ),
  },
  {
    name: "joining and leaving rooms that do not exist",
    play: (means) =>
      flood(means, 2, (index) =>
        json({ type: index % 2 ? "leave" : "join", ref: index, room: `nothing-${index >> 1}` }),
      ),
  },
  {
    name: "joining and leaving the bystander's room",
    play: (means) =>
      flood(means, 5, (index) =>
        json({ type: index % 2 ? "leave" : "join", ref: index, room: means.target.room }),
      ),
  },
  {
    name: "messages at full speed from 50 sockets of one person",
    play: (means) =>
      flood(means, 50, (index) =>
        json({ type: "send", ref: index, room: means.target.room, clientId: uuid(), content: `m${index}` }),
      ),
  },
  {
    name: "messages of 4,000 characters at full speed",
    play: (means) => {
      const content = "𝕏".repeat(4_000);
      return flood(means, 4, (index) =>
        json({ type: "send", ref: index, room: "flooded", clientId: uuid(), content }),
      );
    },
  },
  {
    name: "reactions that change nothing",
    play: (means) =>
      flood(means, 2, (index) =>
        json({
          type: "react",
          ref: index,
          room: ROOMS.long,
          clientId: uuid(),
          id: 1 + (index % 500),
          emoji: "👍",
          on: false,
        }),
      ),
  },
  {
    name: "a message in a new room each time",
    play: (means) =>
      flood(means, 2, (index) =>
        json({ type: "send", ref: index, room: `new-${uuid()}`, clientId: uuid(), content: "hi" }),
      ),
  },
  {
    name: "one clientId again and again",
    play: (means) => {
      const clientId = uuid();
      return flood(means, 4, (index) =>
        json({ type: "send", ref: index, room: "flooded", clientId, content: "hi" }),
      );
    },
  },
  {
    name: "tokens again and again on an open socket",
    play: (means) =>
      flood(means, 4, (index) =>
        json({
          type: "auth",
          ref: index,
          token:
            index % 2
              ? means.target.people[0].token
              : `${means.target.people[0].token.slice(0, -4)}${index % 9000}`,
        }),
      ),
  },
  {
    name: "frames in one-byte fragments",
    play: (means) => repeat(means, 4, () => fragments(means, (index) => [index === 0 ? 0x01 : 0x00, 0x81])),
  },
  {
    name: "pings of the WebSocket protocol",
    play: (means) => repeat(means, 4, () => fragments(means, () => [0x89, 0x81])),
  },
  {
    name: "sockets that never read in a busy room",
    play: async (means) => {
      const { target, over } = means;
      for (let index = 0; index < 40 && !over.aborted; index++) {
        const line = await tcp(means).catch(() => undefined);
        line?.write(handshake(target, "/ws/chat/flooded/"));
        line?.pause();
      }
      const content = "x".repeat(3_900);
      await flood(
        means,
        2,
        (index) => json({ type: "send", ref: index, room: "flooded", clientId: uuid(), content }),
        {
          person: target.people[1] ?? target.people[0],
        },
      );
    },
  },
  {
    name: "sockets opened and closed at once",
    play: (means) =>
      repeat(means, 20, async (lane) => {
        const line = await socket(means, {
          path: `/ws/chat/${encodeURIComponent(lane % 2 ? means.target.room : "flooded")}/`,
        });
        line?.close(3000 + Math.floor(Math.random() * 1000));
        if (!line) await pause(means.over, 5);
      }),
  },
];

const handshake = (
  target: Parameters<typeof head>[0] & { people: readonly { token: string }[] },
  path: string,
) =>
  head(target, `GET ${path} HTTP/1.1`, {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": `chat.v1, bearer.${target.people[0]?.token}`,
  });

/** Writes masked frames with one byte of payload each, as fast as the connection takes them. */
async function fragments(
  means: Parameters<Attack["play"]>[0],
  first: (index: number) => readonly [number, number],
) {
  const line = await tcp(means);
  line.write(handshake(means.target, "/ws/"));
  let open = true;
  line.on("close", () => (open = false));
  const block = Buffer.concat(
    Array.from({ length: 2_000 }, (_, index) => Buffer.from([...first(index), 0, 0, 0, 0, 0x20])),
  );
  const rest = Buffer.concat(
    Array.from({ length: 2_000 }, (_, index) => Buffer.from([...first(index + 1), 0, 0, 0, 0, 0x20])),
  );
  for (let round = 0; open && !means.over.aborted; round++) {
    const more = line.write(round === 0 ? block : rest);
    means.tally.count("frames", 2_000);
    if (!more)
      await Promise.race([new Promise((resolve) => line.once("drain", resolve)), pause(means.over, 200)]);
    else await pause(means.over, 1);
  }
  line.destroy();
}
