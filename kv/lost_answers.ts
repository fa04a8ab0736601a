/**
 * Commits whose answer was lost. The runtime sends one again, which is then refused because of
 * itself, so what was refused is looked for before anybody is told that it was not done.
 */
import { DomainError } from "./errors.ts";

/**
 * What a look after a refused commit says.
 * @throws {DomainError} `outcome_unknown` when it fails: "nothing was changed" would be a guess.
 */
export async function afterRefusal<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    throw new DomainError("outcome_unknown", undefined, {}, { cause: error });
  }
}
