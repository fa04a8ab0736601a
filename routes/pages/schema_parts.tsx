/** A schema of the contract for people: its type in words, and its fields one by one. */
import type { Child } from "hono/jsx";
import type { Schema } from "../api_document.ts";
import { Prose } from "./prose.tsx";

/** The id of a schema's place on the page. */
export const schemaAnchor = (name: string) => `schema-${name}`;

/** The name that a `$ref` refers to. */
export function nameOf($ref: string): string {
  return $ref.slice($ref.lastIndexOf("/") + 1);
}

/** "array of EventCard", "string or null", "integer, 1 to 100, 20 unless said". */
export function TypeWords({ schema }: { schema: Schema }) {
  return (
    <>
      <Type schema={schema} />
      {boundsOf(schema).map((bound) => `, ${bound}`)}
    </>
  );
}

function Type({ schema }: { schema: Schema }): Child {
  const { $ref, anyOf, oneOf, allOf, items, enum: values } = schema;
  if ($ref !== undefined) {
    const name = nameOf($ref);
    return <a href={`#${schemaAnchor(name)}`}>{name}</a>;
  }
  // The rest of an `allOf` only describes what it refers to.
  const parts = anyOf ?? oneOf ?? allOf?.filter((part) => part.$ref ?? part.type);
  if (parts !== undefined) {
    return parts.map((part, i) => (
      <>
        {i === 0 ? "" : " or "}
        <Type schema={part} />
      </>
    ));
  }
  if (values !== undefined) {
    return values.map((value, i) => (
      <>
        {i === 0 ? "" : i === values.length - 1 ? " or " : ", "}
        {value === null ? "null" : <code>{String(value)}</code>}
      </>
    ));
  }
  const types = [schema.type ?? "anything"].flat();
  return types.map((type, i) => (
    <>
      {i === 0 ? "" : " or "}
      {type === "array" && items !== undefined
        ? (
          <>
            array of <Type schema={items} />
          </>
        )
        : type === "string" && schema.format !== undefined
        ? `string (${schema.format})`
        : type}
    </>
  ));
}

function boundsOf(schema: Schema): string[] {
  const { minimum, maximum, maxLength, maxItems } = schema;
  return [
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}`
      : minimum !== undefined
      ? `${minimum} or more`
      : null,
    maxLength !== undefined ? `at most ${maxLength} characters` : null,
    maxItems !== undefined ? `at most ${maxItems}` : null,
    schema.default !== undefined ? `${schema.default} unless said` : null,
  ].filter((bound) => bound !== null);
}

/** What is worth marking: in requests what must be there, in answers what may be missing. */
export type Marks = "required" | "optional";

/** One line of a list of fields or parameters. */
export function Field({ name, kind, schema, mark, description, children }: {
  name: string;
  /** Where it stands, if that is to be said. */
  kind?: string;
  schema: Schema;
  mark: Marks | null;
  description?: string | undefined;
  children?: Child;
}) {
  const about = description ?? descriptionOf(schema);
  return (
    <div>
      <dt>
        <code>{name}</code>{" "}
        <span class="type">
          {kind === undefined ? "" : `${kind}, `}
          <TypeWords schema={schema} />
        </span>
        {mark === null ? null : <span class={mark}>{mark}</span>}
      </dt>
      {about === undefined ? null : (
        <dd>
          <Prose text={about} />
        </dd>
      )}
      {children ? <dd>{children}</dd> : null}
    </div>
  );
}

/** The fields of an object, and of objects within them, one level deep. */
export function Fields(
  { schema, marks, nested = true }: { schema: Schema; marks: Marks; nested?: boolean },
) {
  const { properties = {}, required = [] } = objectWithin(schema) ?? {};
  return (
    <dl class="fields">
      {Object.entries(properties).map(([name, field]) => (
        <Field
          key={name}
          name={name}
          schema={field}
          mark={required.includes(name) === (marks === "required") ? marks : null}
        >
          {nested && objectWithin(field) !== null
            ? <Fields schema={field} marks={marks} nested={false} />
            : null}
        </Field>
      ))}
    </dl>
  );
}

/** The object that a schema is, may be or holds many of; null when it has no fields to show. */
export function objectWithin(schema: Schema): Schema | null {
  if (schema.properties !== undefined) return schema;
  if (schema.items !== undefined) return objectWithin(schema.items);
  for (const part of schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []) {
    const found = objectWithin(part);
    if (found !== null) return found;
  }
  return null;
}

function descriptionOf({ description, allOf, anyOf }: Schema): string | undefined {
  return description ?? [...allOf ?? [], ...anyOf ?? []].find((part) => part.description)
    ?.description;
}
