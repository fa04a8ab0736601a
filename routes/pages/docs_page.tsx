/** The reference: everything that `/openapi.json` says, for people. No script is needed. */
import { ON_EVERY_ANSWER } from "../contract_headers.ts";
import {
  type ApiDocument,
  type ApiResponse,
  type Operation,
  resolved,
  type Schema,
} from "../api_document.ts";
import { curlText } from "./curl_text.ts";
import { REFERENCE_STYLESHEET_URL } from "./reference_stylesheet.ts";
import { Layout } from "./layout.tsx";
import { Prose } from "./prose.tsx";
import {
  Field,
  Fields,
  type Marks,
  nameOf,
  objectWithin,
  schemaAnchor,
  TypeWords,
} from "./schema_parts.tsx";

export interface DocsPageProps {
  document: ApiDocument;
  /** Scheme and host of the requests shown. */
  origin: string;
  now: number;
}

interface Entry {
  method: string;
  path: string;
  operation: Operation;
}

export function DocsPage({ document, origin, now }: DocsPageProps) {
  const { info, tags, components } = document;
  const groups = tags.map((tag) => ({ ...tag, entries: entriesOf(document, tag.name) }));
  return (
    <Layout
      title="The API"
      description="Every operation of the API, with its parameters, its answers and a curl."
      now={now}
      stylesheet={REFERENCE_STYLESHEET_URL}
    >
      <div class="reference">
        <nav aria-label="Contents">
          <ul role="list">
            {groups.map(({ name, entries }) => (
              <li key={name}>
                <a href={`#tag-${name}`}>{name}</a>
                <ul role="list">
                  {entries.map(({ operation }) => (
                    <li key={operation.operationId}>
                      <a href={`#${operation.operationId}`}>{operation.summary}</a>
                    </li>
                  ))}
                </ul>
              </li>
            ))}
            <li>
              <a href="#headers">Headers of every answer</a>
            </li>
            <li>
              <a href="#schemas">Schemas</a>
            </li>
          </ul>
        </nav>
        <div>
          <h1>The API</h1>
          {info.description.split("\n\n").map((paragraph) => (
            <p key={paragraph} class="lead">
              <Prose text={paragraph} />
            </p>
          ))}
          <p class="lead">
            <a href="/openapi.json">As OpenAPI 3.1</a>
            {" · "}
            <a href="/problems">All error codes</a>
          </p>
          {groups.map(({ name, description, entries }) => (
            <section key={name} aria-labelledby={`tag-${name}`}>
              <h2 id={`tag-${name}`}>{name}</h2>
              <p>{description}</p>
              {entries.map((entry) => (
                <OperationPart
                  key={entry.operation.operationId}
                  {...entry}
                  of={document}
                  origin={origin}
                />
              ))}
            </section>
          ))}
          <section aria-labelledby="headers">
            <h2 id="headers">Headers of every answer</h2>
            <p>
              The limits are told under <code>/v1</code>, and to a token that is refused.
            </p>
            <dl class="fields">
              {ON_EVERY_ANSWER.map((name) => (
                <Field
                  key={name}
                  name={name}
                  schema={components.headers[name]!.schema!}
                  mark={components.headers[name]!.required ? null : "optional"}
                  description={components.headers[name]!.description}
                />
              ))}
            </dl>
          </section>
          <section aria-labelledby="schemas">
            <h2 id="schemas">Schemas</h2>
            {Object.entries(components.schemas).map(([name, schema]) => (
              <SchemaPart
                key={name}
                name={name}
                schema={schema}
                marks={isTaken(document, name) ? "required" : "optional"}
              />
            ))}
          </section>
        </div>
      </div>
    </Layout>
  );
}

/** The operations of a tag, in the document's order. */
function entriesOf(document: ApiDocument, tag: string): Entry[] {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ method, path, operation }))
  );
}

/** Whether requests have a body of this schema; else it is one of answers. */
function isTaken({ paths }: ApiDocument, name: string): boolean {
  return Object.values(paths).flatMap((operations) => Object.values(operations))
    .flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}))
    .some(({ schema }) => schema?.$ref !== undefined && nameOf(schema.$ref) === name);
}

function OperationPart(
  { method, path, operation, of: document, origin }: Entry & { of: ApiDocument; origin: string },
) {
  const { operationId, summary, description, parameters = [], responses } = operation;
  return (
    <article class="operation" id={operationId}>
      <h3>{summary}</h3>
      <p class="address">
        <b data-method={method}>{method.toUpperCase()}</b> <code>{path}</code>
      </p>
      <p>
        <Prose text={description} />
      </p>
      <p class="caller">{callerWords(operation)}</p>
      {parameters.length === 0 ? null : (
        <>
          <h4>Parameters</h4>
          <dl class="fields">
            {parameters.map(({ name, in: kind, required = false, schema = {}, description }) => (
              <Field
                key={name}
                name={name}
                kind={kind}
                schema={schema}
                mark={required ? "required" : null}
                description={description}
              />
            ))}
          </dl>
        </>
      )}
      <BodyPart operation={operation} of={document} />
      <h4>Answers</h4>
      <dl class="fields answers">
        {Object.entries(responses).map(([status, response]) => (
          <ResponsePart
            key={status}
            status={status}
            response={resolved(document, response)}
            of={document}
          />
        ))}
      </dl>
      <h4>Try it</h4>
      <pre class="curl">{curlText({ origin, method, path, operation })}</pre>
    </article>
  );
}

function callerWords({ security }: Operation): string {
  if (security.length === 0) return "Needs no token.";
  return security.some((scheme) => Object.keys(scheme).length === 0)
    ? "Needs no token; with one it may show more."
    : "Needs a token.";
}

function BodyPart({ operation, of: document }: { operation: Operation; of: ApiDocument }) {
  const { requestBody } = operation;
  if (requestBody === undefined) return null;
  return (
    <>
      <h4>Body{requestBody.required ? "" : ", if there is one"}</h4>
      {Object.entries(requestBody.content).map(([type, { schema = {} }]) => (
        <>
          <p>
            <code>{type}</code>: <TypeWords schema={schema} />
          </p>
          <Fields schema={resolved(document, schema)} marks="required" />
        </>
      ))}
    </>
  );
}

function ResponsePart(
  { status, response, of: document }: {
    status: string;
    response: ApiResponse;
    of: ApiDocument;
  },
) {
  const { description, headers = {}, content = {} } = response;
  const special = Object.entries(headers)
    .filter(([name]) => !(ON_EVERY_ANSWER as string[]).includes(name))
    .map(([name, header]) => ({ name, description: resolved(document, header).description }));
  return (
    <div>
      <dt>
        <code>{status}</code>{" "}
        {Object.entries(content).map(([type, { schema = {} }]) => (
          <span key={type} class="type">
            <TypeWords schema={schema} />
            {type === "application/json" ? "" : ` (${type})`}
          </span>
        ))}
      </dt>
      <dd>
        <Prose text={description} />
      </dd>
      {Object.values(content).map(({ schema = {} }) =>
        objectWithin(schema) === null ? null : (
          <dd>
            <Fields schema={schema} marks="optional" nested={false} />
          </dd>
        )
      )}
      {special.map(({ name, description }) => (
        <dd key={name}>
          Header <code>{name}</code>
          {description === undefined ? null : (
            <>
              : <Prose text={description} />
            </>
          )}
        </dd>
      ))}
    </div>
  );
}

function SchemaPart({ name, schema, marks }: { name: string; schema: Schema; marks: Marks }) {
  return (
    <article class="operation" id={schemaAnchor(name)}>
      <h3>{name}</h3>
      {schema.description === undefined ? null : (
        <p>
          <Prose text={schema.description} />
        </p>
      )}
      <Fields schema={schema} marks={marks} />
    </article>
  );
}
