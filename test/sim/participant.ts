import type { Link } from "./link.ts";
import type { SimNode } from "./machine.ts";
import type { Product } from "./product.ts";

/** A person with a client, whichever protocol it speaks. */
export interface Participant {
  readonly name: string;
  readonly link: Link | undefined;
  connect(node?: SimNode): void;
  /** Does something at random. */
  act(): void;
  /** Posts in a room as this person, if it is in it. */
  post?(userId: number, room: string): void;
  /** Reconnects to another node at once. */
  hop(): void;
  /** From now on, wants to be in every room. */
  calm(): void;
  quit(): void;
  /** Returns what keeps it from being at rest. */
  unsettled(): string[];
  /** The person whose rooms it watches. */
  readonly watches?: number;
  /** The product that gives tokens to the real client. */
  readonly product?: Product;
  /** From now on, counts what the client asks for. Faults have ceased, but the product fails and changes its mind. */
  stay?(): void;
  /** Does what a page does after rights in a room have changed, or nothing. */
  react?(room: string): void;
  /** Uses every right that the product gives, in one of the ways that a page has. */
  use?(): void;
  /** Judges what the client has asked for since `stay`. */
  stayed?(): void;
  /** At rest, compares what it has with the database. */
  compare(): void;
}
