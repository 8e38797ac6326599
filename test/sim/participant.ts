import type { Link } from "./link.ts";
import type { SimNode } from "./node.ts";

/** A person with a client, whichever protocol it speaks. */
export interface Participant {
  readonly name: string;
  readonly link: Link | undefined;
  connect(node?: SimNode): void;
  /** Does something at random. */
  act(): void;
  /** Reconnects to another node at once. */
  hop(): void;
  /** From now on, wants to be in every room. */
  calm(): void;
  quit(): void;
  /** Returns what keeps it from being at rest. */
  unsettled(): string[];
  /** At rest, compares what it has with the database. */
  compare(): void;
}
