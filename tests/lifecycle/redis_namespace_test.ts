/** Names in Redis: no deployment's are another's. */
import assert from "node:assert/strict";
import {
  changesChannel,
  defaultNamespace,
  NAMESPACE_FORM,
} from "../../lifecycle/redis_namespace.ts";

Deno.test("the namespace is the app's and the environment's", () => {
  assert.equal(defaultNamespace(undefined), "curtain:local");
  assert.equal(defaultNamespace("production"), "curtain:production");
  assert.equal(defaultNamespace("git-branch.1_a"), "curtain:git-branch.1_a");
  assert.equal(changesChannel("curtain:local"), "curtain:local:rt:changes");
});

Deno.test("a branch with a slash gets a name that fits into an address", () => {
  assert.match(defaultNamespace("git-branch/main"), /^curtain:git-branch-main-[0-9a-f]{8}$/);
  assert.equal(defaultNamespace("git-branch/main"), defaultNamespace("git-branch/main"));
});

Deno.test("timelines that are told apart have namespaces that are", () => {
  const timelines = [
    "a/b",
    "a-b",
    "a:b",
    "a b",
    "a?b",
    "a#b",
    "a,b",
    "A-b",
    "ä",
    "é",
    "東京",
    "local",
    "",
    defaultNamespace("a/b").slice("curtain:".length),
  ];
  const namespaces = timelines.map(defaultNamespace);
  for (const namespace of namespaces.filter((one) => one !== "curtain:")) {
    assert.match(namespace, NAMESPACE_FORM);
  }
  // The name that a timeline was given is its own, when somebody calls another one so.
  assert.equal(new Set(namespaces).size, timelines.length - 1);
});
