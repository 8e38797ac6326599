import { afford, type Budgets } from "../../budgets.ts";
import type { Identity } from "../../identity.ts";
import type { Order } from "../../order.ts";
import {
  type Ack,
  type Creation,
  ordain,
  type RoomSettings,
  rule,
  type Ruling,
  SYSTEM_ID,
} from "../change.ts";
import type { Access } from "./access.ts";
import type { Memberships } from "./memberships.ts";
import type { RoomNames } from "./names.ts";

/** A room that someone creates. `clientId` identifies the creation for ever. */
export interface Draft {
  readonly clientId: string;
  readonly settings: RoomSettings;
  /** Its first members besides the creator. */
  readonly people: readonly number[];
}

export interface Founded {
  readonly room: string;
  readonly ack: Ack;
}

/** An operator's room. Without a `room`, the server names it. */
export interface OrderedRoom {
  readonly room?: string | undefined;
  readonly clientId: string;
  readonly settings: RoomSettings;
  readonly create: Creation;
}

/** Creates rooms. A repeat resolves to the first ack. */
export interface Founding {
  /** Creates a private room that belongs to a person, who has paid for it. @throws {Refusal} */
  create(person: Identity, draft: Draft): Promise<Founded>;
  /** Opens the direct room of a person and others, and creates it if there is none. @throws {Refusal} */
  direct(person: Identity, others: readonly number[]): Promise<{ room: string; created: boolean }>;
  /** Creates a room for the operator. @throws {Refusal} */
  ordain(room: OrderedRoom, order: Order): Promise<Founded>;
}

interface FoundingParts {
  readonly names: RoomNames;
  readonly access: Pick<Access, "checkClaim">;
  readonly memberships: Pick<Memberships, "read">;
  readonly budgets: Pick<Budgets, "spend">;
  commit(ruling: Ruling): Promise<Ack>;
}

export function createFounding({ names, access, memberships, budgets, commit }: FoundingParts): Founding {
  return {
    async create(person, { clientId, settings, people }) {
      const room = names.ofCreation(person.userId, clientId);
      access.checkClaim(person, room, "post");
      const create = { kind: "private", people } as const;
      const ack = await commit(rule({ kind: "room", clientId, set: settings, create }, room, person));
      return { room, ack };
    },
    async direct(person, others) {
      const people = [...new Set([person.userId, ...others])];
      const room = names.ofPeople(people);
      access.checkClaim(person, room, "post");
      const { exists, deleted, state } = await memberships.read({ userId: person.userId, room });
      if (exists && !deleted && state === "in") return { room, created: false };
      afford(budgets.spend("rooms", person));
      const create = { kind: "direct", people } as const;
      const clientId = crypto.randomUUID();
      const { id } = await commit(rule({ kind: "room", clientId, set: {}, create }, room, person));
      return { room, created: id > 0 };
    },
    async ordain({ room: given, clientId, settings, create }, order) {
      const isDirect = create.kind === "direct";
      const room =
        (isDirect ? names.ofPeople([...new Set(create.people)]) : given) ??
        names.ofCreation(SYSTEM_ID, clientId);
      const ack = await commit(ordain({ kind: "room", clientId, set: settings, create }, room, order));
      return { room, ack };
    },
  };
}
