import { MAX_FRAME_BYTES } from "./command.ts";
import type { Random } from "./random.ts";
import { frame, OPCODE } from "./wire.ts";

/** How a socket ends: the last bytes it sends and the close codes that the server may respond with. */
export interface Ending {
  readonly name: string;
  bytes(random: Random): Buffer;
  /** Undefined if the server need not close. 1006 means an end without a close frame. */
  readonly codes?: readonly number[];
}

const text = (random: Random, json: string) => frame(random, Buffer.from(json), { opcode: OPCODE.text });

/** The close codes of the runtime for a violation of RFC 6455. It may also cut the connection (1006). */
const BREACH = [1002, 1006, 1007, 1009] as const;

export const ENDINGS: readonly Ending[] = [
  { name: "cut", bytes: () => Buffer.alloc(0) },
  {
    name: "half a frame, then cut",
    bytes: (random) => text(random, '{"type":"ping","ref":1}').subarray(0, 1 + random.below(20)),
  },
  {
    name: "close frame",
    bytes: (random) => frame(random, Buffer.from([3, 232]), { opcode: OPCODE.close }),
    codes: [1000],
  },
  {
    name: "close frame with an odd code",
    bytes: (random) =>
      frame(random, random.bytes(random.pick([0, 1, 2, 2, 60, 125])), { opcode: OPCODE.close }),
    codes: Array.from({ length: 65_536 }, (_, code) => code),
  },
  {
    name: "oversize",
    bytes: (random) => frame(random, Buffer.alloc(MAX_FRAME_BYTES + 1, "x"), { opcode: OPCODE.text }),
    codes: [1009, 1006],
  },
  {
    name: "an absurd length",
    bytes: (random) =>
      frame(random, random.bytes(20), {
        opcode: OPCODE.text,
        length: random.pick([2n ** 63n - 1n, 2n ** 64n - 1n]),
      }),
    codes: BREACH,
  },
  {
    name: "not UTF-8",
    bytes: (random) => frame(random, Buffer.from([0x22, 0xff, 0xc0, 0x22]), { opcode: OPCODE.text }),
    codes: [1007, 1006],
  },
  {
    name: "a reserved opcode",
    bytes: (random) => frame(random, random.bytes(4), { opcode: random.pick([3, 7, 11, 15]) }),
    codes: BREACH,
  },
  {
    name: "reserved bits",
    bytes: (random) =>
      frame(random, Buffer.from("{}"), { opcode: OPCODE.text, reserved: 1 + random.below(7) }),
    codes: BREACH,
  },
  {
    name: "a ping that is too long",
    bytes: (random) => frame(random, random.bytes(126), { opcode: OPCODE.ping }),
    codes: BREACH,
  },
  {
    name: "a fragmented ping",
    bytes: (random) => frame(random, random.bytes(4), { opcode: OPCODE.ping, last: false }),
    codes: BREACH,
  },
  {
    name: "a continuation without a beginning",
    bytes: (random) => frame(random, random.bytes(4), { opcode: OPCODE.continuation }),
    codes: BREACH,
  },
  {
    name: "a ref that is still outstanding",
    bytes: (random) => {
      const history = text(random, '{"type":"history","ref":7,"room":"fuzz-0"}');
      return Buffer.concat([history, history]);
    },
    codes: [4501],
  },
];
