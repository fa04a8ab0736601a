/** From zod's issues to problem details: which field, and what is allowed there. */
import type { Context } from "hono";
import type { z } from "zod";
import { DomainError, type FieldProblem, invalidFields } from "../kv/errors.ts";
import { DATE_FORMS } from "../lifecycle/date_text.ts";

/** Members that the server sets or that another route changes, and what to do instead. */
const NOT_WRITABLE: Record<string, string> = {
  status: "the status is changed by POST to the event's transitions",
  id: "the server sets it",
  version: "the server sets it",
  listed_until: "the server sets it",
  created_at: "the server sets it",
  updated_at: "the server sets it",
  completed_at: "the server sets it",
  starts_at: "it follows from start_date",
  ends_at: "it follows from end_date",
};

/** Problems told at once: a body of nothing but wrong fields must not make a larger answer. */
const MAX_PROBLEMS = 50;

/** What zod-openapi calls after each validation; throws for a request that does not fit. */
export function refuseInvalid(
  result: { success: true } | { success: false; target: string; error: z.core.$ZodError },
  c: Context,
): void {
  if (result.success) return;
  const { issues } = result.error;
  if (result.target === "json") throw invalidFields(bodyProblems(issues));
  if (result.target === "param") throw new DomainError("not_found");
  const errors = issues.flatMap((issue) => queryProblems(issue, c)).slice(0, MAX_PROBLEMS);
  throw new DomainError("invalid_query", errors[0]?.detail, { errors });
}

/** The problems of a body, the first few, each at its JSON pointer (RFC 6901). */
export function bodyProblems(issues: z.core.$ZodIssue[]): FieldProblem[] {
  return issues.flatMap((issue) => {
    const { path } = issue;
    if (issue.code !== "unrecognized_keys") {
      return [
        isMissing(issue)
          ? { pointer: pointerOf(path), code: "required", detail: missing(issue) }
          : { pointer: pointerOf(path), code: codeOf(issue), detail: sentence(issue) },
      ];
    }
    return issue.keys.map((key) => {
      const pointer = pointerOf([...path, key]);
      // Not `in`: every object has a "constructor".
      return path.length === 0 && Object.hasOwn(NOT_WRITABLE, key)
        ? {
          pointer,
          code: "not_writable",
          detail: `"${key}" cannot be written here: ${NOT_WRITABLE[key]}.`,
        }
        : { pointer, code: "unknown_field", detail: `There is no field "${shortened(key)}" here.` };
    });
  }).slice(0, MAX_PROBLEMS);
}

/** zod has no code of its own for what is not there. */
function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.code === "invalid_type" && issue.message.endsWith("received undefined");
}

function missing({ path }: z.core.$ZodIssue): string {
  return path.length === 1 && path[0] === "start_date"
    ? `This field is required: send ${DATE_FORMS}.`
    : "This field is required.";
}

/** "custom" is zod's word for a rule of ours. */
function codeOf(issue: z.core.$ZodIssue): string {
  return issue.code === "custom" ? "invalid_value" : issue.code;
}

function queryProblems(issue: z.core.$ZodIssue, c: Context): FieldProblem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      parameter: shortened(key),
      code: "unknown_parameter",
      detail: issue.message.includes("; there are ")
        ? sentence(issue)
        : `This route has no parameter "${shortened(key)}".`,
    }));
  }
  const parameter = String(issue.path[0] ?? "");
  // Our own ("custom") issues are of parameters that may be repeated.
  const repeated = issue.code !== "custom" && c.req.queries(parameter)!.length > 1;
  return [{
    parameter,
    code: repeated ? "repeated_parameter" : codeOf(issue),
    detail: repeated
      ? `The parameter "${parameter}" may be given once.`
      : `${parameter}: ${sentence(issue)}`,
  }];
}

function sentence(issue: z.core.$ZodIssue): string {
  return issue.message.endsWith(".") ? issue.message : `${issue.message}.`;
}

function pointerOf(path: PropertyKey[]): string {
  return path.map((part) => `/${shortened(String(part)).replace(/~/g, "~0").replace(/\//g, "~1")}`)
    .join("");
}

function shortened(text: string): string {
  return text.length <= 100 ? text : text.slice(0, 99) + "…";
}
