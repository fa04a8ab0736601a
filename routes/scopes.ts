/** What an API token may be used for: each operation names the scope that it needs. */
import type { Context } from "hono";
import { type Credential, requireScope } from "../lifecycle/policy.ts";
import type { Scope } from "../lifecycle/scopes.ts";
import type { AppEnv } from "./app_deps.ts";
import { type OperationNotes, OPERATIONS } from "./operations.ts";

/** What a token needs for it; null: nothing, because it shows or changes nothing of anybody's. */
export function scopeOf(method: string, { tag, caller }: OperationNotes): Scope | null {
  if (caller === "nobody" || caller === "holder") return null;
  if (caller === "admin") return "admin";
  if (method === "GET") return "events:read";
  return tag === "Organizers" ? "organizers:write" : "events:write";
}

interface Route {
  method: string;
  path: RegExp;
  scope: Scope | null;
}

const ROUTES: Route[] = Object.entries(OPERATIONS).map(([name, notes]) => {
  const [method, path] = name.split(" ") as [string, string];
  const pattern = path.replaceAll(".", "\\.").replace(/\{[^}]+\}/g, "[^/]+");
  return { method, path: new RegExp(`^${pattern}$`), scope: scopeOf(method, notes) };
});

/**
 * Pages show what their person sees, so they need what reading does. What only a person does by
 * themselves refuses tokens by itself, whatever their scopes.
 * @throws {DomainError} `insufficient_scope`.
 */
export function requireScopeOf(
  c: Context<AppEnv>,
  credential: Credential & { kind: "token" },
): void {
  if (credential.tokenId === "root") return;
  const { path } = c.req;
  const method = c.req.method === "HEAD" ? "GET" : c.req.method;
  const route = ROUTES.find((one) => one.method === method && one.path.test(path));
  const scope = route === undefined && !path.startsWith("/v1/")
    ? "events:read"
    : route?.scope ?? null;
  if (scope !== null) requireScope({ credential }, scope);
}
