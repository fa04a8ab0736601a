/** The pieces that the pages with forms have in common. */
import type { Child } from "hono/jsx";
import { instantText } from "../../kv/event_record.ts";
import { whenText } from "./when_text.ts";

/** An instant, epoch milliseconds, told in UTC. */
export function At({ at }: { at: number }) {
  const startText = instantText(at);
  const text = whenText({ allDay: false, timeZone: null, startText, endText: null });
  return <time datetime={startText}>{text}</time>;
}

/** What is wrong with a field, where it stands; the field refers to it by `id`. */
export function FieldNote({ id, wrong, children }: {
  id: string;
  /** Null when it is well. */
  wrong: string | null;
  children?: Child;
}) {
  return (
    <p id={id} class="note">
      {wrong === null ? null : <strong class="wrong">{wrong}</strong>}
      {children}
    </p>
  );
}

/** A field's attributes: what is wrong with it is read with it, and it is gone to at once. */
export function fieldProps(id: string, { isWrong }: { isWrong: boolean }) {
  return {
    id,
    "aria-describedby": `${id}-note`,
    ...(isWrong ? { "aria-invalid": "true" as const, autofocus: true } : {}),
  };
}

/** A form that is one button. */
export function ButtonForm(
  { path, fields, children }: { path: string; fields: Record<string, string>; children: Child },
) {
  return (
    <form method="post" action={path}>
      <Hidden fields={fields} />
      <button type="submit" class="minor">{children}</button>
    </form>
  );
}

export function Hidden({ fields }: { fields: Record<string, string> }) {
  return (
    <>
      {Object.entries(fields).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

/** Whom a button is about, for those who hear it without what stands beside it. */
export function About({ text }: { text: string }) {
  return <span class="visually-hidden">{` ${text}`}</span>;
}

export function Options(
  { options, chosen }: { options: readonly (readonly [string, string])[]; chosen: string },
) {
  return (
    <>
      {options.map(([value, text]) => (
        <option key={value} value={value} selected={value === chosen}>{text}</option>
      ))}
    </>
  );
}

/** How long something lasts, as a form offers it. */
export function dayOptions(days: readonly number[]): [string, string][] {
  return days.map((count) => [String(count), count === 1 ? "1 day" : `${count} days`]);
}

/** Something that is told this once: it can be selected whole, with the keyboard as well. */
export function Secret({ id, label, text }: { id: string; label: string; text: string }) {
  return (
    <div class="form">
      <label for={id}>{label}</label>
      <textarea id={id} class="secret" rows={2} readonly spellcheck={false} autofocus>
        {text}
      </textarea>
    </div>
  );
}
