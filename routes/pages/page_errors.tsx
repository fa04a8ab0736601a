/** What people are told when a page cannot be shown. */
import type { ErrorHandler } from "hono";
import { DomainError, type ErrorCode, ERRORS } from "../../kv/errors.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { problemResponse, statusOf } from "../errors.ts";
import { preferredType, PROBLEM } from "../negotiation.ts";
import { ErrorPage, type ErrorPageProps } from "./error_page.tsx";
import { sendPage } from "./layout.tsx";

/** Answers with a page; whatever is not a domain error is logged whole. */
export function pageErrors({ log, clock }: Pick<AppDeps, "log" | "clock">): ErrorHandler<AppEnv> {
  return (error, c) => {
    if (preferredType(c, ["text/html", PROBLEM]) === PROBLEM) return problemResponse(error, c);
    const code = error instanceof DomainError ? error.code : "internal";
    if (code === "internal") (c.get("log") ?? log).error("page failed", { error });
    const told = TOLD[code] ?? { title: "This did not work", detail: ERRORS[code] };
    // A form's page has the form's address.
    const isForm = c.req.method === "POST" && !c.req.path.startsWith("/auth/");
    const backTo = isForm ? c.req.path : undefined;
    return sendPage(c, <ErrorPage {...told} backTo={backTo} now={clock()} />, statusOf(error));
  };
}

/** What people are told where the API's words would not help them. */
const TOLD: Partial<Record<ErrorCode, Omit<ErrorPageProps, "now">>> = {
  unauthenticated: {
    title: "Please sign in",
    detail: "This is for people who are signed in.",
    canSignIn: true,
  },
  forbidden: { title: "This is not for you", detail: "You may not see or do this." },
  cross_site: {
    title: "This came from another site",
    detail: "Nothing was done. Open the page here, and do it again.",
  },
  user_suspended: {
    title: "You cannot sign in",
    detail: "An administrator has suspended you. Please ask them.",
  },
  rate_limited: { title: "That was too often", detail: "Please wait a minute, then try again." },
  sign_in_failed: {
    title: "You are not signed in",
    detail: "The sign-in did not come to its end: it was cancelled, took too long, or was begun " +
      "in another browser. Nothing was changed.",
    canSignIn: true,
  },
  sign_in_provider_failed: {
    title: "The sign-in provider does not answer",
    detail: "You are not signed in. Please try again in a minute, or in another way.",
    canSignIn: true,
  },
  sign_in_unavailable: {
    title: "This sign-in cannot be used just now",
    detail: "A part of it could not be loaded. Please sign in another way, or tell whoever runs " +
      "this site: a restart helps where the package registry can be reached.",
    canSignIn: true,
  },
  invitation_gone: {
    title: "This invitation has ended",
    detail: "It was used or revoked, or its time is over. Please ask for another one.",
  },
  invitation_not_yours: {
    title: "This invitation is for somebody else",
    detail: "Sign in as the person it was sent to, or ask for one of your own.",
  },
  already_member: {
    title: "You are among them already",
    detail: "The invitation has not been used up.",
  },
  last_owner: {
    title: "Somebody must own it",
    detail: "The organizer would be left without an owner. Make somebody else an owner first.",
  },
  last_admin: {
    title: "Somebody must administer",
    detail: "Nobody would be left who can. Make somebody else an administrator first.",
  },
  root_user: {
    title: "This is the administrator of the configuration",
    detail: "Only whoever sets ADMIN_TOKEN decides about this one.",
  },
  too_many_tokens: {
    title: "These are enough tokens",
    detail: "You have as many as one may. Revoke those that are no longer used first.",
  },
  too_many_invitations: {
    title: "These are enough invitations",
    detail: "As many are open as may be. Revoke those that nobody waits for first.",
  },
  conflict: {
    title: "Others were faster",
    detail: "Somebody else was changing the same thing. Nothing was done; please try again.",
  },
  not_found: {
    title: "There is nothing here",
    detail: "Nothing has this address, or it is not for everyone to see.",
  },
  invalid_cursor: {
    title: "This page of the list is gone",
    detail: "Its address belongs to another list. Start again from the first page.",
  },
  store_unavailable: {
    title: "The events cannot be read just now",
    detail: "Please try again in a few seconds.",
  },
};
