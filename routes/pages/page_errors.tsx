/** What people are told when a page cannot be shown. */
import type { ErrorHandler } from "hono";
import { DomainError, type ErrorCode, ERRORS } from "../../kv/errors.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { statusOf } from "../errors.ts";
import { ErrorPage } from "./error_page.tsx";
import { sendPage } from "./layout.tsx";

/** Answers with a page; whatever is not a domain error is logged whole. */
export function pageErrors({ log, clock }: Pick<AppDeps, "log" | "clock">): ErrorHandler<AppEnv> {
  return (error, c) => {
    const code = error instanceof DomainError ? error.code : "internal";
    if (code === "internal") (c.get("log") ?? log).error("page failed", { error });
    const { title, detail } = TOLD[code] ?? { title: "This did not work", detail: ERRORS[code] };
    const status = statusOf(error);
    return sendPage(c, <ErrorPage title={title} detail={detail} now={clock()} />, status);
  };
}

/** What people are told where the API's words would not help them. */
const TOLD: Partial<Record<ErrorCode, { title: string; detail: string }>> = {
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
