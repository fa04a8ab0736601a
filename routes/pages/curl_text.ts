/** A request as it is typed into a shell. */
import type { Operation } from "../api_document.ts";

export interface CurlOptions {
  /** Scheme and host, without a slash. */
  origin: string;
  method: string;
  path: string;
  operation: Operation;
}

/** What the address leaves open, and the token, are variables of the shell: `$ID`, `$TOKEN`. */
export function curlText({ origin, method, path, operation }: CurlOptions): string {
  const { security, requestBody, parameters = [] } = operation;
  const url = origin + path.replace(/\{(\w+)\}/g, (_, name: string) => "$" + name.toUpperCase());
  const parts = [`"${url}"`];
  if (security.length > 0 && security.every((scheme) => Object.keys(scheme).length > 0)) {
    parts.push('-H "Authorization: Bearer $TOKEN"');
  }
  for (const { name, in: place, required, example = "" } of parameters) {
    if (place === "header" && required) parts.push(`-H ${quoted(`${name}: ${example}`)}`);
  }
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const isLines = type === "application/x-ndjson";
  const sent = isLines
    ? "--data-binary @events.ndjson"
    : media?.example === undefined
    ? null
    : `-d ${quoted(JSON.stringify(media.example))}`;
  if (sent !== null) parts.push(`-H "Content-Type: ${type}"`, sent);
  const implied = sent === null ? "GET" : "POST";
  const verb = method.toUpperCase() === implied ? "" : ` -X ${method.toUpperCase()}`;
  return `curl${verb} ${parts.join(" \\\n  ")}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
