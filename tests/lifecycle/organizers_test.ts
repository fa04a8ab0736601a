import assert from "node:assert/strict";
import { findOrganizer, getOrganizer, getOrganizerRole } from "../../kv/organizers.ts";
import { ORGANIZER_ID } from "../../lifecycle/ids.ts";
import { editOrganizer, submitOrganizer } from "../../lifecycle/organizers.ts";
import { GUEST, ROOT } from "../../lifecycle/policy.ts";
import { NOW } from "../support/fixture.ts";
import { addMember, aMember, interrupt, onStore, organizerId } from "./lifecycle_fixture.ts";

const ANN = aMember("usr_ann");
const AS_ANN = { principal: ANN, now: NOW };

Deno.test(
  "submitOrganizer() makes an organizer whose owner the caller is",
  onStore(async (store) => {
    const made = await submitOrganizer(store, { name: "The Hall", externalId: "hall" }, AS_ANN);
    assert.match(made.id, ORGANIZER_ID);
    assert.deepEqual(await getOrganizer(store, made.id), made);
    assert.equal(made.url, null);
    assert.equal(await getOrganizerRole(store, made.id, "usr_ann"), "owner");
    assert.equal(await findOrganizer(store, "hall"), made.id);
  }),
);

Deno.test(
  "submitOrganizer() is for signed-in members",
  onStore(async (store) => {
    const as = (principal: typeof GUEST) =>
      submitOrganizer(store, { name: "The Hall" }, { principal, now: NOW });
    await assert.rejects(as(GUEST), { code: "unauthenticated" });
    await assert.rejects(as({ ...ANN, role: "guest" }), { code: "forbidden" });
  }),
);

Deno.test(
  "of five organizers with one external id at once, one is made and the others are told of it",
  onStore(async (store) => {
    const results = await Promise.allSettled(
      Array.from(
        { length: 5 },
        (_, i) => submitOrganizer(store, { name: `Hall ${i}`, externalId: "hall" }, AS_ANN),
      ),
    );
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 4);
    const id = await findOrganizer(store, "hall");
    for (const { reason } of refused) {
      assert.equal(reason.code, "external_id_taken");
      assert.deepEqual(reason.extensions, { organizer_id: id });
    }
    const organizers = await Array.fromAsync(store.kv.list({ prefix: ["organizer"] }));
    assert.equal(organizers.length, 1);
  }),
);

Deno.test(
  "editOrganizer() is for its owners and administrators",
  onStore(async (store) => {
    const id = organizerId(1);
    await addMember(store, id, { userId: "usr_ed", role: "editor" });
    await addMember(store, id, { userId: "usr_ann", role: "owner" });
    const as = (principal: typeof GUEST, name: string) =>
      editOrganizer(store, id, { content: { name }, principal, now: NOW + 1 });
    await assert.rejects(as(GUEST, "x"), { code: "unauthenticated" });
    await assert.rejects(as(aMember("usr_ed"), "x"), { code: "forbidden" });
    const edited = await as(ANN, "The Old Hall");
    assert.deepEqual([edited.name, edited.createdAt, edited.updatedAt], [
      "The Old Hall",
      NOW,
      NOW + 1,
    ]);
    assert.equal((await as(ROOT, "The New Hall")).name, "The New Hall");
    const missing = editOrganizer(store, organizerId(2), { content: {}, ...AS_ANN });
    await assert.rejects(missing, { code: "not_found" });
  }),
);

Deno.test(
  "editOrganizer() writes nothing when nothing changes",
  onStore(async (store) => {
    const made = await submitOrganizer(store, { name: "The Hall", externalId: "hall" }, AS_ANN);
    const content = { name: "The Hall", url: null };
    const same = await editOrganizer(store, made.id, { content, principal: ANN, now: NOW + 1 });
    assert.deepEqual(same, made);
    assert.equal((await getOrganizer(store, made.id))!.updatedAt, NOW);
  }),
);

Deno.test(
  "editOrganizer() refuses an external id that is taken, and gives up the one before",
  onStore(async (store) => {
    const hall = await submitOrganizer(store, { name: "The Hall", externalId: "hall" }, AS_ANN);
    const club = await submitOrganizer(store, { name: "The Club", externalId: "club" }, AS_ANN);
    const take = (externalId: string) =>
      editOrganizer(store, club.id, { content: { externalId }, ...AS_ANN });
    await assert.rejects(take("hall"), {
      code: "external_id_taken",
      extensions: { organizer_id: hall.id },
    });
    await take("nightclub");
    assert.equal(await findOrganizer(store, "club"), null);
    assert.equal(await findOrganizer(store, "nightclub"), club.id);
  }),
);

Deno.test(
  "two edits of one organizer at once are both kept",
  onStore(async (store) => {
    const { id } = await submitOrganizer(store, { name: "The Hall" }, AS_ANN);
    let raced = false;
    interrupt(store, "get", async () => {
      if (raced) return;
      raced = true;
      await editOrganizer(store, id, { content: { url: "https://hall.example" }, ...AS_ANN });
    });
    const edited = await editOrganizer(store, id, { content: { name: "The Old Hall" }, ...AS_ANN });
    assert.deepEqual([edited.name, edited.url], ["The Old Hall", "https://hall.example"]);
  }),
);

Deno.test(
  "organizers give up as a conflict when others are always faster",
  onStore(async (store) => {
    const { id } = await submitOrganizer(store, { name: "The Hall" }, AS_ANN);
    Object.assign(store, { commit: () => Promise.resolve({ ok: false }) });
    await assert.rejects(submitOrganizer(store, { name: "The Club" }, AS_ANN), {
      code: "conflict",
    });
    const edit = editOrganizer(store, id, { content: { name: "x" }, ...AS_ANN });
    await assert.rejects(edit, { code: "conflict" });
  }),
);
