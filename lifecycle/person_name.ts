/** What people are called: what a provider or a form says, made fit to be shown to others. */

/** Controls, halves of characters, and what is not seen or turns the text around it. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\s]+/gu;
/** These count as letters and signs, and yet there is nothing to see. */
const BLANK = /[\p{Default_Ignorable_Code_Point}\p{Z}\u2800]/gu;

/** The text as a name of at most `max` characters; null where nobody would see one. */
export function personName(text: string, max: number): string | null {
  const name = text.replace(UNSEEN, " ").trim();
  if (name.replace(BLANK, "") === "") return null;
  // By characters: half of one is stored by nobody else.
  return [...name].slice(0, max).join("").trimEnd();
}

/** Whether the name is an e-mail address, which is not for everybody to read. */
export function isAddress(name: string): boolean {
  return /^\S+@\S+$/.test(name);
}
