import type { Link } from "./link.ts";
import type { SimNode } from "./node.ts";

/** Someone at a client, whichever protocol it speaks. */
export interface Participant {
  readonly name: string;
  readonly link: Link | undefined;
  connect(node?: SimNode): void;
  /** Does something, as people do. */
  act(): void;
  /** Goes to another node at once. */
  hop(): void;
  /** Wants to be where it may be, from now on. */
  calm(): void;
  quit(): void;
  /** What keeps it from being at rest. */
  unsettled(): string[];
  /** At rest, holds what it has against the database. */
  compare(): void;
}
