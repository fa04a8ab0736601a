/** The cookies of one browser at one site, as far as tests need them. */
export class CookieJar {
  readonly #cookies = new Map<string, string>();

  /** What the answer sets, and clears. */
  keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) this.set(line);
  }

  /** A `Set-Cookie` header. */
  set(line: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const [name = "", ...value] = pair.split("=");
    const isOver = attributes.some((attribute) =>
      /^max-age=0$/i.test(attribute) ||
      (/^expires=/i.test(attribute) && Date.parse(attribute.slice("expires=".length)) <= Date.now())
    );
    if (isOver) this.#cookies.delete(name);
    else this.#cookies.set(name, value.join("="));
  }

  get names(): string[] {
    return [...this.#cookies.keys()];
  }

  headers(): Record<string, string> {
    const pairs = [...this.#cookies].map(([name, value]) => `${name}=${value}`);
    return pairs.length === 0 ? {} : { cookie: pairs.join("; ") };
  }
}
