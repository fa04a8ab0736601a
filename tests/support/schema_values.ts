/** Values that a schema of the contract takes. */
import fc from "fast-check";
import { type ApiDocument, resolved, type Schema } from "../../routes/api_document.ts";

/** Values by the name of their member, where a schema cannot say what makes sense. */
export type Known = Record<string, fc.Arbitrary<unknown>>;

export interface ValueOptions {
  document: ApiDocument;
  known?: Known;
}

/** Values of the schema, now and then at its limits. */
export function valuesOf(schema: Schema, options: ValueOptions): fc.Arbitrary<unknown> {
  const whole = resolved(options.document, schema);
  const { anyOf, enum: values, type } = whole;
  if (anyOf !== undefined) return fc.oneof(...anyOf.map((part) => valuesOf(part, options)));
  if (values !== undefined) return fc.constantFrom(...values);
  const types = [type ?? []].flat();
  if (types.length === 0) return fc.jsonValue();
  return fc.oneof(...types.map((one) => ({
    arbitrary: valuesOfType(one, whole, options),
    weight: one === "null" ? 1 : 4,
  })));
}

function valuesOfType(
  type: string,
  schema: Schema,
  options: ValueOptions,
): fc.Arbitrary<unknown> {
  const { minimum, maximum, items = {}, minItems, maxItems } = schema;
  const bounds = {
    ...(minimum === undefined ? {} : { min: minimum }),
    ...(maximum === undefined ? {} : { max: maximum }),
  };
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer(bounds);
    case "number":
      return fc.double({ ...bounds, noNaN: true, noDefaultInfinity: true });
    case "array":
      return arraysOf(valuesOf(items, options), { minItems, maxItems });
    case "object":
      return objectsOf(schema, options);
    case "string":
      return textsOf(schema);
  }
  throw new Error(`no values of type ${type}`);
}

/** No two alike: nobody stands in a list twice. */
function arraysOf(
  item: fc.Arbitrary<unknown>,
  { minItems = 0, maxItems = 5 }: { minItems?: number | undefined; maxItems?: number | undefined },
): fc.Arbitrary<unknown> {
  const uniqueArray = (length: { minLength: number; maxLength: number }) =>
    fc.uniqueArray(item, { ...length, selector: (value) => JSON.stringify(value) });
  const short = uniqueArray({ minLength: minItems, maxLength: Math.min(maxItems, 4) });
  return fc.oneof({ arbitrary: short, weight: 19 }, {
    arbitrary: uniqueArray({ minLength: maxItems, maxLength: maxItems }),
    weight: 1,
  });
}

function objectsOf(schema: Schema, options: ValueOptions): fc.Arbitrary<unknown> {
  const { properties, required = [], additionalProperties } = schema;
  if (properties === undefined) {
    const value = typeof additionalProperties === "object" ? additionalProperties : {};
    const key = textsOf(schema.propertyNames ?? {}).filter((text) => text !== "__proto__");
    return fc.dictionary(key, valuesOf(value, options), { maxKeys: 5, noNullPrototype: true });
  }
  const members: Known = {};
  for (const [name, member] of Object.entries(properties)) {
    // A member that is only there to be refused.
    if (member.not !== undefined) continue;
    members[name] = options.known?.[name] ?? valuesOf(member, options);
  }
  const least = Object.fromEntries(required.map((name) => [name, members[name]!]));
  return fc.oneof(
    { arbitrary: fc.record(members, { requiredKeys: required }), weight: 9 },
    { arbitrary: fc.record(least), weight: 1 },
  );
}

/** Beyond this, many bytes a character would make a whole event too large. */
const SHORT = 500;

/** One line each: what a text may be beyond that, its schema does not say. */
function textsOf({ format, pattern, minLength = 0, maxLength = 50 }: Schema): fc.Arbitrary<string> {
  if (format === "uri") return fc.webUrl({ withQueryParameters: true, withFragments: true });
  if (format === "date-time") {
    return fc.constantFrom("2026-12-05T18:00:00Z", "2027-01-01T00:00:00.5+05:45");
  }
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  const short = fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, 30) })
    .filter((text) => text.trim().length >= minLength && [...text].length <= maxLength);
  const longest = (maxLength > SHORT ? "x" : "🎭").repeat(maxLength);
  return fc.oneof({ arbitrary: short, weight: 19 }, {
    arbitrary: fc.constantFrom(longest, "雪".repeat(minLength)),
    weight: 1,
  });
}
