import { createLinkToken, type LinkToken } from "./linktoken.ts";

const LINK = /^#\/join\/([\w.~-]{1,256})$/;

export const joinLink = (token: string): string => `#/join/${token}`;

/** The token of the invitation link that opened the page. */
export const createInvited = (page: Window): LinkToken => createLinkToken(page, LINK);
