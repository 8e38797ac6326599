import type { Access } from "../access/access.ts";
import type { Identity } from "../../identity.ts";
import type { Clock } from "../../clock.ts";
import type { Protocol } from "./codec.ts";
import type { OpenConnection } from "./hub.ts";
import type { Watching } from "./watching.ts";

/** Whether one socket is told what happens in its person's rooms that it has not joined. */
export interface Watch {
  /** Resolves once it is so. @throws {Refusal} busy, unavailable. */
  set(on: boolean): Promise<void>;
  /** A room has a new message. `mentions`: how many unread ones mention the person, if a new one does. */
  active(room: string, id: number, mentions?: number): void;
  /** The socket's buffer has drained, at least in part. */
  drained(): void;
  end(): void;
}

/** The connection that it belongs to. */
interface Owner extends OpenConnection {
  readonly identity: Identity;
  readonly protocol: Pick<Protocol, "active" | "listed" | "followed">;
  readonly writer: { readonly isFull: boolean };
  readonly parts: {
    readonly access: Pick<Access, "mayList">;
    readonly watching: Pick<Watching, "add" | "remove" | "resend">;
    readonly clock: Clock;
  };
  joined(room: string): boolean;
}

export const createWatch = (owner: Owner): Watch => new SocketWatch(owner);

/** A class, because there may be one for each socket: see connection.ts. */
class SocketWatch implements Watch {
  private isOn = false;
  private ended = false;
  /** Since when the socket has been too slow to be told. */
  private untoldSince: number | undefined;

  constructor(private readonly owner: Owner) {}

  async set(on: boolean): Promise<void> {
    if (on === this.isOn || this.ended) return;
    if (!on) return this.stop();
    this.isOn = true;
    try {
      await this.owner.parts.watching.add(this.owner.identity.userId);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  active(room: string, id: number, mentions?: number) {
    const { owner } = this;
    if (!this.isOn || owner.joined(room) || !owner.parts.access.mayList(owner.identity, room)) return;
    if (owner.writer.isFull) this.untoldSince ??= owner.parts.clock.monotonic();
    else owner.protocol.active(room, id, mentions);
  }

  drained() {
    const since = this.untoldSince;
    if (since === undefined || this.owner.writer.isFull) return;
    this.untoldSince = undefined;
    this.owner.parts.watching.resend(this.owner, since);
  }

  end() {
    this.stop();
    this.ended = true;
  }

  private stop() {
    if (this.isOn) this.owner.parts.watching.remove(this.owner.identity.userId);
    this.isOn = false;
  }
}
