/** The path of a request as it is written down. */

/** Whoever has an invitation's link may use it, so no log says it. */
export function loggedPath(path: string): string {
  return path.replace(/^\/invitations\/.+/, "/invitations/…");
}
