/** What the contract as a document is made of: the parts of OpenAPI 3.1 that it uses. */

/** The part of JSON Schema that the contract uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  pattern?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  maxProperties?: number;
  propertyNames?: Schema;
  not?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema?: Schema;
  example?: string;
}

export type Content = Record<string, { schema?: Schema; example?: unknown }>;

export interface Header {
  description?: string;
  /** Whether it always comes. */
  required?: boolean;
  schema?: Schema;
}

export interface Reference {
  $ref: string;
}

export interface ApiResponse {
  description: string;
  headers?: Record<string, Header | Reference>;
  content?: Content;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, ApiResponse | Reference>;
}

export interface ApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    headers: Record<string, Header>;
    responses: Record<string, ApiResponse>;
  };
}

/** What a reference within the document leads to; anything else as it is. */
export function resolved<Part extends object>(
  { components }: Pick<ApiDocument, "components">,
  part: Part | Reference,
): Part {
  const { $ref } = part as Partial<Reference>;
  if ($ref === undefined) return part as Part;
  const [kind, name] = $ref.split("/").slice(2) as [keyof typeof components, string];
  return components[kind][name] as Part;
}
