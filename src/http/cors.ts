import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

/**
 * Lets pages of the allowed origins use the API (CORS, Fetch standard), without cookies or other credentials.
 */
export const allowOrigins = (origins: readonly string[]): MiddlewareHandler =>
  cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      ...["Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"],
      ...["Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Offset"],
    ],
    exposeHeaders: [
      ...["Link", "ETag", "Retry-After", "Parley-Epoch", "Parley-Version"],
      ...["Location", "Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Expires"],
    ],
    maxAge: 600,
  });
