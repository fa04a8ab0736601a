/** Where people go on after a sign-in: a path of this site, or the front page. */

const MAX_LENGTH = 2_000;
/** Stands in for the site's own origin, which the path must not leave. */
const HERE = "http://here.invalid";

/**
 * The path, query and fragment, percent-encoded; "/" for whatever might lead anywhere else, or to
 * `/auth/`, where a sign-in or a sign-out would begin by itself.
 */
export function returnPath(text: string | undefined): string {
  if (text === undefined || text.length > MAX_LENGTH || !staysHere(text)) return "/";
  const url = URL.parse(text, HERE);
  if (url === null || url.origin !== HERE) return "/";
  // Looked at again: "/.//evil.example" is a path of this site only until its dots are resolved.
  const path = url.pathname + url.search + url.hash;
  if (path.length > MAX_LENGTH || !staysHere(path)) return "/";
  const named = decoded(url.pathname);
  return named === null || !staysHere(named) || /^\/auth(\/|$)/i.test(named) ? "/" : path;
}

/** One slash and no second one, nor what browsers take for one, nor characters they drop. */
function staysHere(path: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^\/(?!\/)[^\\\u0000-\u001f\u007f]*$/.test(path);
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
