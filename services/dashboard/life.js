// The time that one view is shown; what it waits for ends with it.

export class Life {
  #ending = new AbortController();
  #tell;
  signal = this.#ending.signal;
  /** What the key may do. */
  scopes = [];

  /** `tell` is called with an error, or with null when all is well again. */
  constructor(tell) {
    this.#tell = tell;
  }

  end() {
    this.#ending.abort();
  }

  /** Do something now and again, or only again; not while nobody looks. */
  async every(seconds, work, now = true) {
    for (let isFirst = true; !this.signal.aborted; isFirst = false) {
      if ((now || !isFirst) && !document.hidden) await this.attempt(work);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }

  /** Do something, and say so if it fails. */
  async attempt(work) {
    try {
      await work();
      if (!this.signal.aborted) this.#tell(null);
    } catch (error) {
      if (!this.signal.aborted) this.#tell(error);
    }
  }
}
