/** The only source of randomness in a simulation, determined by its seed. */
export interface Random {
  /** From 0 to 1, excluding 1. */
  next(): number;
  /** A whole number below `bound`. */
  below(bound: number): number;
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  uuid(): string;
}

export function createRandom(seed: number): Random {
  // sfc32, warmed up so that neighbouring seeds have nothing in common.
  let a = seed | 0;
  let b = (seed / 2 ** 32) | 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const word = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round++) word();

  const next = () => word() / 2 ** 32;
  const below = (bound: number) => Math.floor(next() * bound);
  const hex = () => word().toString(16).padStart(8, "0");
  return {
    next,
    below,
    between: (least, most) => least + next() * (most - least),
    chance: (probability) => next() < probability,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new Error("nothing to pick from");
      return list[below(list.length)] as T;
    },
    uuid() {
      const [p, q, r, s] = [hex(), hex(), hex(), hex()];
      return `${p}-${q.slice(0, 4)}-4${q.slice(5)}-8${r.slice(1, 4)}-${r.slice(4)}${s}`;
    },
  };
}
