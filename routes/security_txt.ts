/** `/.well-known/security.txt` (RFC 9116): where a vulnerability is reported. */
import { Hono } from "hono";
import { DomainError } from "../kv/errors.ts";
import { instantText } from "../kv/event_record.ts";
import type { AppDeps, AppEnv } from "./app_deps.ts";
import { apiResponse } from "./headers.ts";

const DAY_MS = 24 * 60 * 60_000;

/** Without a contact there is no such file. A start says anew that the contact is right. */
export function securityTxt({ securityContact, clock }: AppDeps): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const text = securityContact ? textFor(securityContact, clock()) : null;
  app.get("/.well-known/security.txt", (c) => {
    if (text === null) throw new DomainError("not_found", "Nobody is named here to write to.");
    return apiResponse(c, text, { contentType: "text/plain; charset=utf-8" });
  });
  return app;
}

/** It expires within a year, as section 2.5.5 asks, at the start of a day. */
function textFor(contact: string, startedAt: number): string {
  const expires = Math.floor(startedAt / DAY_MS + 365) * DAY_MS;
  return `Contact: ${contact}\nExpires: ${instantText(expires)}\nPreferred-Languages: en\n`;
}
