/**
 * Where in Redis this program's names begin. Deployments of branches share the credentials of Redis
 * but not the store, so the environment is part of it: none reaches another's clients.
 */
import { createHash } from "node:crypto";

export const NAMESPACE_FORM = /^[A-Za-z0-9:._-]{1,100}$/;

/** `curtain:<environment>`; the environment is Deno Deploy's timeline, elsewhere `local`. */
export function defaultNamespace(timeline: string | undefined): string {
  return `curtain:${timeline === undefined ? "local" : environmentName(timeline)}`;
}

/** A slash would break the channel's address; two that were replaced alike are told apart by a hash. */
function environmentName(timeline: string): string {
  const name = timeline.replace(/[^A-Za-z0-9._-]/g, "-");
  if (name === timeline) return name;
  const hash = createHash("sha256").update(timeline).digest("hex").slice(0, 8);
  return `${name}-${hash}`;
}

/** The channel that changes are published on. */
export function changesChannel(namespace: string): string {
  return `${namespace}:rt:changes`;
}
