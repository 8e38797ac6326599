import type { Scan, Steps } from "./steps.ts";

const [EXTENSION, IMAGE, END] = [0x21, 0x2c, 0x3b];
const [CONTROL, APPLICATION] = [0xf9, 0xff];
/** Applications whose blocks say how to show the picture: how often it repeats, and its colour profile. */
const KEPT = /^(NETSCAPE2\.0|ANIMEXTS1\.0|ICCRGBG1012)$/;

/** Walks over blocks, each after its length, up to an empty one. */
function overBlocks(): Scan {
  let left = 0;
  return (bytes, from) => {
    for (let at = from + left; ; at += left) {
      if (at >= bytes.length) {
        left = at - bytes.length;
        return { at: bytes.length, done: false };
      }
      left = bytes[at++] as number;
      if (left === 0) return { at, done: true };
    }
  };
}

const tableOf = (flags: number) => ((flags & 0x80) === 0 ? 0 : 3 << (1 + (flags & 7)));

/** GIF (89a): keeps pictures, their timing and their colours. Comments and what applications add are left out. */
export function* gif(): Steps {
  const screen = yield { peek: 13 };
  yield { pass: 13 + tableOf(screen[10] ?? 0) };
  for (;;) {
    const head = yield { peek: 14 };
    switch (head[0]) {
      case undefined:
        return true;
      case 0:
        yield { drop: 1 };
        break;
      case END:
        yield { pass: 1 };
        return true;
      case IMAGE:
        // The picture's place, its table, and the size of its codes.
        yield { pass: 10 + tableOf(head[9] ?? 0) + 1 };
        yield { scan: overBlocks(), keep: true };
        break;
      case EXTENSION: {
        const name = Buffer.from(head.subarray(3)).toString("latin1");
        const keep = head[1] === CONTROL || (head[1] === APPLICATION && head[2] === 11 && KEPT.test(name));
        yield keep ? { pass: 2 } : { drop: 2 };
        yield { scan: overBlocks(), keep };
        break;
      }
      default:
        return false;
    }
  }
}
