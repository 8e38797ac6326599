import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Files } from "../files/files.ts";
import { fileRoutes } from "./files.ts";
import { historyRoutes } from "./history.ts";
import { invitationRoutes } from "./invitations.ts";
import { memberRoutes } from "./members.ts";
import { mentionRoutes } from "./mentions.ts";
import { messageRoutes } from "./messages.ts";
import { moderationRoutes } from "./moderation.ts";
import type { Push } from "../push/push.ts";
import { pushRoutes } from "./push.ts";
import { pinRoutes } from "./pins.ts";
import { resumableRoutes } from "./resumable.ts";
import { roomRoutes } from "./rooms.ts";
import { savedRoutes } from "./saved.ts";
import { searchRoutes } from "./search.ts";
import { threadRoutes } from "./threads.ts";
import { writtenRoutes } from "./written.ts";

interface Areas {
  readonly auth: Auth;
  readonly chat: Chat;
  /** Undefined: nobody can upload files. */
  readonly files: Files | undefined;
  /** Undefined: nobody gets pushes. */
  readonly push: Push | undefined;
}

/** The routes about rooms and what is in them. */
export function chatRoutes({ files, push, ...parts }: Areas) {
  return [
    historyRoutes(parts),
    messageRoutes(parts),
    roomRoutes(parts),
    threadRoutes(parts),
    searchRoutes(parts),
    pinRoutes(parts),
    savedRoutes(parts),
    writtenRoutes(parts),
    mentionRoutes(parts),
    ...(files ? [fileRoutes({ ...parts, files }), resumableRoutes({ ...parts, files })] : []),
    ...(push ? [pushRoutes({ ...parts, push })] : []),
    moderationRoutes(parts),
    invitationRoutes(parts),
    memberRoutes(parts),
  ];
}
