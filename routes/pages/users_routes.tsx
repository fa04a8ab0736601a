/** `/me/users`: the users, for administrators. */
import type { Hono } from "hono";
import { listUsers, USER_ROLES } from "../../kv/users.ts";
import { requireAdmin } from "../../lifecycle/policy.ts";
import { changeUser, type UserChange } from "../../lifecycle/users.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import type { DoneWord } from "./done.tsx";
import { goOn, personsForm, unknownForm, userIdOf, wordOf } from "./form_answers.ts";
import { sendPage } from "./layout.tsx";
import { UsersPage } from "./users_page.tsx";

const USERS_SHOWN = 50;

export function usersPages(
  app: Hono<AppEnv>,
  { store, clock, hasRoot = false }: AppDeps,
): void {
  app.get("/me/users", async (c) => {
    requireAdmin(c.get("principal"));
    const after = userIdOf(c.req.query("after"));
    const found = await listUsers(store, { limit: USERS_SHOWN + 1, after });
    const page = found.slice(0, USERS_SHOWN);
    return sendPage(
      c,
      <UsersPage
        users={page.filter(({ erasedAt }) => erasedAt === null)}
        after={after ?? null}
        nextAfter={found.length > USERS_SHOWN ? page.at(-1)!.id : null}
        done={c.req.query("done")}
        now={clock()}
      />,
    );
  });

  app.post("/me/users", async (c) => {
    const { form, principal } = await personsForm(c);
    requireAdmin(principal);
    const asked = changeOf(form);
    const userId = userIdOf(form.get("user"));
    if (asked === null || userId === undefined) throw unknownForm();
    await changeUser(store, userId, asked.change, { principal, now: clock(), hasRoot });
    const after = userIdOf(form.get("after"));
    return goOn(c, after === undefined ? "/me/users" : `/me/users?after=${after}`, asked.done);
  });
}

function changeOf(form: URLSearchParams): { change: UserChange; done: DoneWord } | null {
  const role = wordOf(form.get("role"), USER_ROLES);
  switch (form.get("action")) {
    case "role":
      return role === undefined ? null : { change: { role }, done: "role_changed" };
    case "suspend":
      return { change: { isSuspended: true }, done: "suspended" };
    case "reinstate":
      return { change: { isSuspended: false }, done: "reinstated" };
  }
  return null;
}
