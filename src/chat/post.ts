/** A message that someone wants to post. `(senderId, room, clientId)` makes it one message, however often it is sent. */
export interface Post {
  readonly room: string;
  readonly senderId: number;
  readonly username: string;
  readonly clientId: string;
  readonly content: string;
  readonly replyTo: number | null;
}

/** What a committed post is answered with. */
export interface Ack {
  readonly id: number;
  readonly version: number;
  readonly timestamp: string;
  /** It had been committed before. */
  readonly duplicate: boolean;
}
