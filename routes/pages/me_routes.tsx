/** `/me`: a person's own page, and what its forms ask for. */
import type { Context, Hono } from "hono";
import type { TokenId } from "../../kv/api_tokens.ts";
import { DomainError } from "../../kv/errors.ts";
import type { EventCard } from "../../kv/event_record.ts";
import { getUser } from "../../kv/users.ts";
import { issueToken, listMyTokens, revokeToken } from "../../lifecycle/api_tokens.ts";
import { listMyEvents } from "../../lifecycle/discovery.ts";
import { type Principal, requireInPerson } from "../../lifecycle/policy.ts";
import { ALL_SCOPES, type Scope } from "../../lifecycle/scopes.ts";
import { endMySessions, listMySessions, sessionName } from "../../lifecycle/sessions.ts";
import { statusAt } from "../../lifecycle/status.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { line } from "../event_schemas.ts";
import { myOrganizers } from "../me.ts";
import { chargeUser } from "../rate_limit.ts";
import { clearSession } from "../session_cookie.ts";
import { siteOrigin } from "../site_origin.ts";
import { TokenBuckets } from "../token_buckets.ts";
import { TOKENS_PER_MINUTE } from "../tokens.ts";
import { goOn, personsForm, unknownForm, wordOf } from "./form_answers.ts";
import { sendPage } from "./layout.tsx";
import { MePage } from "./me_page.tsx";
import { TOKEN_DAYS, type TokenFormState } from "./my_tokens.tsx";

const EVENTS_SHOWN = 100;
const PAST_SHOWN = 5;
const DAY_MS = 24 * 3_600_000;
const TokenName = line(100, 1);

export function mePages(app: Hono<AppEnv>, deps: AppDeps): void {
  const { store, clock } = deps;
  const buckets = new TokenBuckets({ perMinute: TOKENS_PER_MINUTE, clock });

  app.get("/me", (c) => mePage(c, {}));

  app.post("/me", async (c) => {
    const { form, principal } = await personsForm(c);
    switch (form.get("action")) {
      case "end_session":
        return await endSession(c, form.get("session") ?? "");
      case "end_others": {
        const which = (digest: string) => digest !== ownDigest(principal);
        await endMySessions(store, { principal, now: clock(), which });
        return goOn(c, "/me", "others_ended");
      }
      case "make_token":
        return await makeToken(c, form);
      case "revoke_token":
        await revokeToken(store, form.get("token") as TokenId, { principal, now: clock() });
        return goOn(c, "/me", "token_revoked");
    }
    throw unknownForm();
  });

  async function mePage(c: Context<AppEnv>, tokenForm: TokenFormState): Promise<Response> {
    const principal = c.get("principal");
    requireInPerson(principal);
    const { userId } = principal;
    const now = clock();
    const [user, organizers, events, sessions, tokens] = await Promise.all([
      getUser(store, userId),
      myOrganizers(deps, userId),
      myEvents(principal, now),
      listMySessions(store, { principal, now }),
      listMyTokens(store, { principal, now }),
    ]);
    const page = (
      <MePage
        principal={principal}
        user={user}
        organizers={organizers}
        {...events}
        sessions={sessions}
        tokens={tokens}
        tokenForm={tokenForm}
        done={c.req.query("done")}
        now={now}
      />
    );
    return await sendPage(c, page, tokenForm.wrong === undefined ? 200 : 422);
  }

  /** What is to come, the soonest first, and what was over last. */
  async function myEvents(principal: Principal, now: number) {
    const options = { principal, now, limit: EVENTS_SHOWN, onDue: () => deps.runner.wake() };
    const current = await listMyEvents(store, false, options);
    const all = await listMyEvents(store, true, options);
    return {
      upcoming: current.items.filter((event) => !isOver(event, now)).reverse(),
      past: all.items.filter((event) => isOver(event, now)).slice(0, PAST_SHOWN),
      isMore: current.nextCursor !== null,
    };
  }

  async function endSession(c: Context<AppEnv>, id: string): Promise<Response> {
    const principal = c.get("principal");
    requireInPerson(principal);
    const which = (digest: string) => sessionName(digest) === id;
    if (await endMySessions(store, { principal, now: clock(), which }) === 0) {
      throw new DomainError("not_found", `The caller has no session "${id.slice(0, 40)}".`);
    }
    const own = ownDigest(principal);
    if (own === null || !which(own)) return goOn(c, "/me", "session_ended");
    clearSession(c, siteOrigin(c, deps));
    return goOn(c, "/");
  }

  async function makeToken(c: Context<AppEnv>, form: URLSearchParams): Promise<Response> {
    const given = {
      name: form.get("name") ?? "",
      scopes: form.getAll("scope"),
      days: form.get("days") ?? "",
    };
    const input = tokenInput(given);
    if ("wrong" in input) return await mePage(c, { ...given, ...input });
    const { name, scopes, days } = input;
    const now = clock();
    const expiresAt = now + days * DAY_MS;
    const principal = c.get("principal");
    requireInPerson(principal);
    chargeUser(c, { userId: principal.userId, buckets });
    const { secret } = await issueToken(store, { name, scopes, expiresAt }, { principal, now });
    return await mePage(c, { made: { name, secret } });
  }
}

/** What the form asks for, or which of its fields are wrong, from the top; pure. */
function tokenInput(
  { name, scopes, days }: { name: string; scopes: string[]; days: string },
):
  | { name: string; scopes: Scope[]; days: number }
  | { wrong: NonNullable<TokenFormState["wrong"]> } {
  const named = TokenName.safeParse(name);
  const chosen = scopes.map((scope) => wordOf(scope, ALL_SCOPES));
  const known = chosen.filter((scope) => scope !== undefined);
  const lasts = TOKEN_DAYS.find((count) => String(count) === days);
  const areScopes = chosen.length > 0 && known.length === chosen.length;
  if (named.success && areScopes && lasts !== undefined) {
    return { name: named.data, scopes: known, days: lasts };
  }
  const wrong: ("name" | "scopes" | "days")[] = [];
  if (!named.success) wrong.push("name");
  if (!areScopes) wrong.push("scopes");
  if (lasts === undefined) wrong.push("days");
  return { wrong };
}

function ownDigest({ credential }: Principal): string | null {
  return credential?.kind === "session" ? credential.digest : null;
}

/** Nobody has anything to do about it any more. */
function isOver(event: EventCard, now: number): boolean {
  const status = statusAt(event, now);
  if (status === "CANCELLED") return (event.endDate ?? event.startDate) <= now;
  return status === "COMPLETED" || status === "ARCHIVED";
}
