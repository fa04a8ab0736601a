/** The pages about problems, to which the `type` of each of them leads. */
import type { ErrorCode } from "../../kv/errors.ts";
import { ERROR_CODES, problemType } from "../errors.ts";
import { Layout } from "./layout.tsx";
import { Prose } from "./prose.tsx";
import { REFERENCE_STYLESHEET_URL } from "./reference_stylesheet.ts";

export function ProblemPage({ code, now }: { code: ErrorCode; now: number }) {
  const { type, title, status, remedy, retry_after: seconds } = problemType(code);
  const detail = "What happened this time.";
  const example = { type, title, status, detail, code, remedy, request_id: "req_1f0c2d3e_7k" };
  return (
    <Layout
      title={code}
      description={title}
      now={now}
      stylesheet={REFERENCE_STYLESHEET_URL}
    >
      <article class="problem">
        <p class="address">
          <b>{status}</b> <code>{code}</code>
        </p>
        <h1>{title}</h1>
        <dl class="facts">
          <div>
            <dt>What to do</dt>
            <dd>
              <Prose text={remedy} />
            </dd>
          </div>
          <div>
            <dt>Try again?</dt>
            <dd>
              <Prose text={againWords(seconds)} />
            </dd>
          </div>
        </dl>
        <h2>How it looks</h2>
        <p>
          <code>application/problem+json</code>; <code>detail</code> and{" "}
          <code>errors</code>, if there are any, say more.
        </p>
        <pre>{JSON.stringify(example, null, 2)}</pre>
        <p class="back">
          <a class="quiet" href="/problems">All error codes</a>
          {" · "}
          <a class="quiet" href="/docs">The API</a>
        </p>
      </article>
    </Layout>
  );
}

function againWords(seconds: number | null): string {
  if (seconds !== null) {
    const unit = seconds === 1 ? "second" : "seconds";
    return `The same request is worth sending again: \`Retry-After\` says when, as a rule in ` +
      `${seconds} ${unit}.`;
  }
  return "The same request gets the same answer until something changes.";
}

export function ProblemsPage({ now }: { now: number }) {
  return (
    <Layout
      title="Error codes"
      description="What each error code of the API means, and what to do about it."
      now={now}
      stylesheet={REFERENCE_STYLESHEET_URL}
    >
      <div class="problem">
        <h1>Error codes</h1>
        <p class="lead">
          A request that cannot be served is answered with a problem (RFC 9457). Its{" "}
          <code>code</code> is one of these; more may be added.
        </p>
        <dl class="fields">
          {ERROR_CODES.map(problemType).map(({ type, code, title, status }) => (
            <div key={code}>
              <dt>
                <a href={type}>
                  <code>{code}</code>
                </a>{" "}
                <span class="type">{status}</span>
              </dt>
              <dd>{title}</dd>
            </div>
          ))}
        </dl>
        <p class="back">
          <a class="quiet" href="/docs">The API</a>
        </p>
      </div>
    </Layout>
  );
}
