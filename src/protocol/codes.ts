/**
 * Error codes, shared by HTTP (RFC 9457 problem documents) and frames. A code is stable; its text may change.
 * `retryable`: the unchanged request may succeed later. The text of a 401 also goes into `WWW-Authenticate`:
 * ASCII only, without quotes or backslashes (RFC 6750, section 3).
 */
export const ERRORS = {
  // The request is wrong.
  malformed: { status: 400, retryable: false, text: "The request could not be parsed. See `detail`." },
  invalid: {
    status: 400,
    retryable: false,
    text: "One or more fields are invalid. Correct them and try again.",
  },
  bad_room: {
    status: 400,
    retryable: false,
    text: "This is not a valid room name. Use 1 to 64 letters, digits, _, - or ., not starting with a dot.",
  },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    text: "The request body must be JSON. Send it as application/json.",
  },
  request_timeout: {
    status: 408,
    retryable: true,
    text: "The request body arrived too slowly. Send it again.",
  },
  too_large: { status: 413, retryable: false, text: "The request body is too large. Send at most 64 KiB." },
  unknown_command: { status: 400, retryable: false, text: "Unknown command. Check its type." },
  unsupported_protocol: {
    status: 400,
    retryable: false,
    text: "No supported subprotocol was offered. Offer chat.v1.",
  },
  upgrade_required: {
    status: 426,
    retryable: false,
    text: "This address accepts WebSocket connections only. Open a WebSocket.",
  },
  // The caller is not authenticated.
  token_missing: {
    status: 401,
    retryable: false,
    text: "An access token is required. Send one with the request.",
  },
  token_invalid: { status: 401, retryable: false, text: "The token is not valid. Get a new one." },
  token_expired: { status: 401, retryable: false, text: "The token has expired. Get a new one." },
  session_ended: { status: 401, retryable: false, text: "This session has ended. Log in again." },
  account_disabled: {
    status: 401,
    retryable: false,
    text: "This account is disabled or deleted. Contact the operator of this server.",
  },
  invalid_credentials: { status: 401, retryable: false, text: "Invalid Credentials" },
  refresh_invalid: { status: 401, retryable: false, text: "The refresh token is not valid. Log in again." },
  refresh_reused: {
    status: 401,
    retryable: false,
    text: "This refresh token was already used, so its session was ended. Log in again.",
  },
  // The caller is not allowed to do this, or it conflicts with the current state.
  forbidden: { status: 403, retryable: false, text: "You do not have permission to do this." },
  scope_missing: {
    status: 403,
    retryable: false,
    text: "This key is not allowed to do this. See `scope` for what it lacks.",
  },
  muted: {
    status: 403,
    retryable: false,
    text: "You are muted in this room. Wait until that ends.",
  },
  message_refused: {
    status: 403,
    retryable: false,
    text: "The rules of this server do not allow this message. Change it, then send it again.",
  },
  everyone_denied: {
    status: 403,
    retryable: false,
    text: "Only moderators may mention everyone in this room. Mention people by their names.",
  },
  bad_origin: {
    status: 403,
    retryable: false,
    text: "Pages of this origin may not connect. The operator can add it to ALLOWED_ORIGINS.",
  },
  reauthentication_required: {
    status: 403,
    retryable: false,
    text: "This cannot be undone. Send your password with the request, or log in again first.",
  },
  registration_off: {
    status: 403,
    retryable: false,
    text: "Registration is turned off. Ask the operator of this server for an account.",
  },
  invite_required: {
    status: 403,
    retryable: false,
    text: "Registration needs a link. Ask the operator of this server for one.",
  },
  invite_invalid: {
    status: 403,
    retryable: false,
    text: "This registration link was already used or has expired. Ask the operator of this server for another.",
  },
  link_invalid: {
    status: 403,
    retryable: false,
    text: "This link was already used, has expired or is incomplete. Ask for a new one.",
  },
  not_found: { status: 404, retryable: false, text: "Not found. Check the address or the id." },
  method_not_allowed: {
    status: 405,
    retryable: false,
    text: "This address does not support this method. See the Allow header.",
  },
  email_taken: {
    status: 409,
    retryable: false,
    text: "An account with this email already exists. Log in or use another email.",
  },
  username_taken: {
    status: 409,
    retryable: false,
    text: "This username is taken, or looks like one that is. Choose another.",
  },
  client_id_reused: {
    status: 409,
    retryable: false,
    text: "This clientId was already used for a different change. Use a new one.",
  },
  too_late: {
    status: 409,
    retryable: false,
    text: "This message can no longer be edited: the time limit has passed.",
  },
  archived: {
    status: 409,
    retryable: false,
    text: "This room is archived: nobody can post in it.",
  },
  last_owner: {
    status: 409,
    retryable: false,
    text: "You are the last owner of this room. Make someone else an owner first.",
  },
  room_exists: {
    status: 409,
    retryable: false,
    text: "There is already a room with this name. Choose another name.",
  },
  direct_room: {
    status: 409,
    retryable: false,
    text: "The people of a direct conversation stay the same. Create a room for others.",
  },
  notice_fixed: {
    status: 409,
    retryable: false,
    text: "This is a notice, which never changes. Refer to a message.",
  },
  outdated: {
    status: 412,
    retryable: false,
    text: "This has changed since you read it. Read it again.",
  },
  file_missing: {
    status: 409,
    retryable: false,
    text: "One of these files is not there, was sent already, or was uploaded more than a day ago. Upload it again.",
  },
  file_held: {
    status: 409,
    retryable: true,
    text: "One of these files is still being scanned. Send it again soon.",
  },
  file_rejected: {
    status: 422,
    retryable: false,
    text: "The scanner of this server rejected this file, and it was removed.",
  },
  file_too_large: {
    status: 413,
    retryable: false,
    text: "This file is too large. The largest size is in the limits of welcome.",
  },
  quota_exceeded: {
    status: 409,
    retryable: false,
    text: "There is no room for this file: you or this room have reached the limit of stored files. Delete some first.",
  },
  storage_full: {
    status: 507,
    retryable: true,
    text: "The server has no room for files. Tell its operator, and try again later.",
  },
  search_off: {
    status: 404,
    retryable: false,
    text: "This server has no search: its operator turned it off.",
  },
  wrong_offset: {
    status: 409,
    retryable: false,
    text: "This upload continues at another offset. Ask for it with HEAD.",
  },
  tus_version: {
    status: 412,
    retryable: false,
    text: "This server speaks version 1.0.0 of tus. Send Tus-Resumable: 1.0.0.",
  },
  too_many_reactions: {
    status: 409,
    retryable: false,
    text: "This message has reached the limit of reactions.",
  },
  too_many_pins: {
    status: 409,
    retryable: false,
    text: "This room has reached the limit of pinned messages. Unpin one first.",
  },
  too_many_rooms: {
    status: 409,
    retryable: false,
    text: "This socket has reached the limit of rooms. Leave a room first.",
  },
  too_many_invitations: {
    status: 409,
    retryable: false,
    text: "You have reached the limit of links to this room. Revoke one first.",
  },
  too_many_saved: {
    status: 409,
    retryable: false,
    text: "You have reached the limit of saved messages. Remove one first.",
  },
  epoch_changed: {
    status: 410,
    retryable: false,
    text: "The data of this server were replaced, so this cursor belongs to a history that may be gone. Read again what you need, and begin anew with after=start or after=now.",
  },
  too_many_streams: {
    status: 429,
    retryable: true,
    text: "You have reached the limit of requests for events at the same time. End one first.",
  },
  too_many_sockets: {
    status: 429,
    retryable: true,
    text: "You have reached the limit of open sockets. Close one first.",
  },
  // The server cannot do this right now.
  rate_limited: { status: 429, retryable: true, text: "Too many requests. Wait a moment, then try again." },
  busy: {
    status: 503,
    retryable: true,
    text: "The server is busy or restarting, and did nothing. Try again soon.",
  },
  message_unchecked: {
    status: 503,
    retryable: true,
    text: "This message could not be checked, so it was not sent. Try again soon.",
  },
  unavailable: {
    status: 503,
    retryable: true,
    text: "The outcome is unknown. Retry with the same clientId, if you sent one.",
  },
  internal: { status: 500, retryable: true, text: "The server failed unexpectedly. Try again later." },
} as const satisfies Record<string, { status: number; retryable: boolean; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * Why a socket was closed. 4000–4499: reconnect; 4500–4999: do not.
 * Codes below 4000 are those of RFC 6455: reconnect with backoff, except after 1000.
 */
export const CLOSE = {
  going_away: 4000,
  token_expired: 4001,
  slow: 4002,
  resync: 4003,
  /** The client sent far more than its budget, or joined too often by the URL of a room. */
  flooding: 4004,
  token_invalid: 4500,
  protocol: 4501,
  forbidden: 4502,
  removed: 4503,
  too_many_sockets: 4504,
  /** The person left this room for good on another socket or over HTTP. */
  left: 4505,
  /** An operator deleted the room. */
  deleted: 4506,
} as const;

export type CloseReason = keyof typeof CLOSE;
