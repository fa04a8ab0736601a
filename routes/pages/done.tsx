/** What a page says was done by the form before it: one of these, never a text of the address. */

const DONE = {
  session_ended: "That session has ended.",
  others_ended: "All your other sessions have ended.",
  token_revoked: "The token is revoked: it is refused from now on.",
  joined: "You are one of these people now.",
  left: "You have left the organizer.",
  role_changed: "The role has been changed.",
  removed: "They are no longer among these people.",
  invitation_revoked: "The invitation is revoked: its link leads nowhere from now on.",
  suspended: "The user is suspended, and signed out everywhere.",
  reinstated: "The user can sign in again.",
} as const;

export type DoneWord = keyof typeof DONE;

/** The address of a page that says so. */
export function donePath(path: string, done: DoneWord): string {
  return `${path}${path.includes("?") ? "&" : "?"}done=${done}`;
}

/** Takes the focus, so that it is read out without a script. */
export function Done({ word }: { word: string | undefined }) {
  if (word === undefined || !Object.hasOwn(DONE, word)) return null;
  return <p class="notice done" role="status" tabindex={-1} autofocus>{DONE[word as DoneWord]}</p>;
}
