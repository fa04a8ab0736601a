/** Sentences of the contract on a page: what they have in backticks is set as code. */

export function Prose({ text }: { text: string }) {
  return (
    <>
      {text.split("`").map((part, i) => i % 2 === 1 ? <code key={i}>{part}</code> : part)}
    </>
  );
}
