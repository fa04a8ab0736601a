/** `/me/erase`: asking to be forgotten. */
import type { Context, Hono } from "hono";
import { ERASURE_CHOICES } from "../../kv/erasures.ts";
import { requestErasure } from "../../lifecycle/erasure.ts";
import { ERASE_USERS } from "../../lifecycle/jobs/erase_users.ts";
import { GUEST, requireInPerson } from "../../lifecycle/policy.ts";
import type { AppDeps, AppEnv } from "../app_deps.ts";
import { myOrganizers } from "../me.ts";
import { clearSession } from "../session_cookie.ts";
import { siteOrigin } from "../site_origin.ts";
import { ErasedPage, type EraseFormState, ErasePage } from "./erase_page.tsx";
import { personsForm, wordOf } from "./form_answers.ts";
import { sendPage } from "./layout.tsx";

export function erasePages(app: Hono<AppEnv>, deps: AppDeps): void {
  const { store, runner, clock, hasRoot = false } = deps;

  app.get("/me/erase", (c) => erasePage(c, {}));

  app.post("/me/erase", async (c) => {
    const { form, principal } = await personsForm(c);
    const given = { organizers: form.get("organizers") ?? "" };
    const choice = wordOf(given.organizers, ERASURE_CHOICES);
    const isSure = form.get("sure") === "yes";
    if (choice === undefined) return await erasePage(c, { ...given, wrong: ["organizers"] });
    if (!isSure) return await erasePage(c, { ...given, wrong: ["sure"] });
    await requestErasure(store, choice, { principal, now: clock(), hasRoot });
    // Nobody waits for it: what does not begin now, the tick begins.
    await runner.start(ERASE_USERS.name, { trigger: "traffic" });
    clearSession(c, siteOrigin(c, deps));
    // Nobody by that name looks at the answer any more.
    c.set("principal", GUEST);
    return await sendPage(c, <ErasedPage now={clock()} />);
  });

  async function erasePage(c: Context<AppEnv>, form: EraseFormState): Promise<Response> {
    const principal = c.get("principal");
    requireInPerson(principal);
    const owned = (await myOrganizers(deps, principal.userId))
      .filter(({ role }) => role === "owner");
    const page = <ErasePage owned={owned} form={form} now={clock()} />;
    return await sendPage(c, page, form.wrong === undefined ? 200 : 422);
  }
}
