/** Someone in your product. */
export interface Person {
  /** What others see. It need not be unique. */
  readonly name: string;
  /** The https URL of a picture. */
  readonly picture?: string;
}

// Your product's own data: people by their ids, and orders with a buyer and a seller.
export const PEOPLE: Readonly<Record<string, Person>> = {
  buyer: { name: "Ada Lovelace", picture: "https://shop.example.com/people/buyer.png" },
  seller: { name: "Bob's Shop & Co." },
  support: { name: "Sue (support)" },
};
export const ORDERS: Readonly<Record<string, readonly string[]>> = {
  "7": ["buyer", "seller"],
  "8": ["seller"],
};

/** Replace this by your own login. Returns the id of the person who sent the request, or "". */
export const personOf = (request: Bun.BunRequest): string => request.cookies.get("person") ?? "";
