/** `/v1/tokens`: API tokens, by which programs act for the caller. */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiToken, TokenId } from "../kv/api_tokens.ts";
import { instantText } from "../kv/event_record.ts";
import { issueToken, listMyTokens, revokeToken } from "../lifecycle/api_tokens.ts";
import { TOKEN_ID } from "../lifecycle/ids.ts";
import { requireInPerson } from "../lifecycle/policy.ts";
import { ALL_SCOPES, SCOPES } from "../lifecycle/scopes.ts";
import { answer, apiApp, json, jsonBody, problems, writesJson } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { neverKept } from "./caching.ts";
import { line } from "./event_schemas.ts";
import { remembered } from "./idempotency.ts";
import { instant } from "./query_schemas.ts";
import { chargeUser } from "./rate_limit.ts";
import { TokenBuckets } from "./token_buckets.ts";

const scopeNames = z.array(z.enum(ALL_SCOPES)).meta({
  description: Object.entries(SCOPES).map(([name, text]) => `\`${name}\`: ${text}`).join("; "),
});

export const ApiTokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: scopeNames,
  created_at: z.string(),
  expires_at: z.string(),
  used_at: z.string().nullable().meta({ description: "When it was last used, to the hour." }),
}).meta({ id: "ApiToken" });

const NewApiTokenSchema = ApiTokenSchema.extend({
  token: z.string().nullable().meta({
    description: "The secret, told this once. Null in a repeated answer: it is stored nowhere.",
  }),
}).meta({ id: "NewApiToken" });

const TokenInput = z.strictObject({
  name: line(100, 1),
  scopes: scopeNames.min(1).max(ALL_SCOPES.length),
  expires_at: instant.meta({ description: "When it ends: 1 to 366 days from now." }),
}).meta({ id: "ApiTokenInput" });

const listRoute = createRoute({
  method: "get",
  path: "/v1/tokens",
  summary: "List my tokens",
  description: "Those that are good, by when they were made.",
  responses: {
    200: json(z.object({ items: z.array(ApiTokenSchema) }), "The tokens"),
    ...problems(401, 403, 503),
  },
});

const createTokenRoute = createRoute({
  method: "post",
  path: "/v1/tokens",
  summary: "Create a token",
  description: "What a program may do with it is what its scopes name, of what its person may. " +
    "To change one, make another and revoke it.",
  request: { body: jsonBody(TokenInput) },
  middleware: writesJson,
  responses: {
    201: json(NewApiTokenSchema, "The token, and its secret"),
    ...problems(400, 401, 403, 409, 413, 415, 422, 503),
  },
});

const revokeRoute = createRoute({
  method: "delete",
  path: "/v1/tokens/{id}",
  summary: "Revoke a token",
  description: "From then on it is refused.",
  request: {
    params: z.object({
      id: z.string().regex(TOKEN_ID, "This must be a token id, tok_…").meta({
        description: "The token's id, tok_…",
      }),
    }),
  },
  responses: {
    204: { description: "It is revoked" },
    ...problems(400, 401, 403, 404, 503),
  },
});

/** Guests make tokens, too, and each is a line of the audit log for a year. */
export const TOKENS_PER_MINUTE = 20;

export function tokens({ store, clock }: AppDeps) {
  const buckets = new TokenBuckets({ perMinute: TOKENS_PER_MINUTE, clock });
  return apiApp()
    .openapi(listRoute, async (c) => {
      const principal = c.get("principal");
      requireInPerson(principal);
      const mine = await listMyTokens(store, { principal, now: clock() });
      return answer(c, { items: mine.map(tokenView) }, 200, neverKept(c));
    })
    .openapi(createTokenRoute, async (c) => {
      const { name, scopes, expires_at: expiresAt } = c.req.valid("json");
      const principal = c.get("principal");
      requireInPerson(principal);
      chargeUser(c, { userId: principal.userId, buckets });
      const { token, secret } = await issueToken(store, { name, scopes, expiresAt }, {
        principal,
        now: clock(),
        remember: remembered(c, (made: ApiToken) => ({
          status: 201,
          body: { ...tokenView(made), token: null },
        })),
      });
      const headers = { "cache-control": "no-store" };
      return answer(c, { ...tokenView(token), token: secret }, 201, headers);
    })
    .openapi(revokeRoute, async (c) => {
      const id = c.req.valid("param").id as TokenId;
      await revokeToken(store, id, { principal: c.get("principal"), now: clock() });
      return c.body(null, 204);
    });
}

export function tokenView(token: ApiToken) {
  return {
    id: token.id,
    name: token.name,
    scopes: token.scopes as (keyof typeof SCOPES)[],
    created_at: instantText(token.createdAt),
    expires_at: instantText(token.expiresAt),
    used_at: token.usedAt === null ? null : instantText(token.usedAt),
  };
}
