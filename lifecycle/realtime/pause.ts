/** Waiting that can be ended early. */
export class Pause {
  #end: () => void = () => {};

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the wait that is under way, if one is. */
  end(): void {
    this.#end();
  }
}
