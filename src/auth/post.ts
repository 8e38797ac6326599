import type { Orm, Pool } from "../db/database.ts";
import { enqueueMail, type Wanted } from "../db/mails.ts";

/** Puts mails into the outbox, and says so once that is committed. */
export interface Post {
  /** Runs a transaction that may cause mails. `send` is for it alone; it resolves to false if too many mails wait. */
  transaction<T>(
    pool: Pool,
    work: (tx: Orm, send: (mail: Wanted) => Promise<boolean>) => Promise<T>,
  ): Promise<T>;
}

export const createPost = (mailed: () => void): Post => ({
  async transaction(pool, work) {
    let any = false;
    const result = await pool.run((orm) =>
      orm.transaction((tx) =>
        work(tx, (mail) => {
          any = true;
          return enqueueMail(tx, mail);
        }),
      ),
    );
    if (any) mailed();
    return result;
  },
});

/** Runs transactions of a server that sends no mails. */
export const noPost: Post = {
  transaction: (pool, work) => pool.run((orm) => orm.transaction((tx) => work(tx, async () => true))),
};
