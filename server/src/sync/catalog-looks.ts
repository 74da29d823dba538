import type { Lane } from './lane.ts';

interface Shown {
  readonly looks: readonly number[];
  /** Whatever was handed in by the look is committed with this commit, or was before. */
  readonly from: number;
  /** What was seen of them holds when its mark comes back from the log. */
  readonly lanes: ReadonlySet<Lane>;
}

/**
 * Looks at the source's catalog that somebody waits for: each is answered when whatever it has shown is committed. The
 * log need not tell of DDL that no change of a row follows.
 */
export class CatalogLooks {
  readonly #asked: number[];
  readonly #answer: (look: number) => void;
  #shown: readonly Shown[] = [];
  /** Taken and not answered. */
  readonly #open = new Set<number>();

  /** @param asked grows from outside, and is emptied here */
  constructor(asked: number[], answer: (look: number) => void) {
    this.#asked = asked;
    this.#answer = answer;
  }

  get areAsked(): boolean {
    return this.#asked.length > 0;
  }

  /** Those that the look which begins now is for. */
  take(): readonly number[] {
    const looks = this.#asked.splice(0);
    for (const look of looks) this.#open.add(look);
    return looks;
  }

  /** The run ends, and whoever goes on in this process is to do those that are not answered. */
  giveBack(): void {
    this.#asked.push(...this.#open);
    this.#open.clear();
    this.#shown = [];
  }

  shown(shown: Shown): void {
    this.#shown = [...this.#shown, shown];
  }

  /** @param waiting lanes whose mark has not come back */
  committed(commit: number, waiting: ReadonlySet<Lane>): void {
    if (this.#shown.length === 0) return;
    const isDone = ({ from, lanes }: Shown): boolean =>
      commit >= from && [...lanes].every((lane) => !waiting.has(lane));
    const done = this.#shown.filter(isDone);
    this.#shown = this.#shown.filter((one) => !done.includes(one));
    for (const look of done.flatMap(({ looks }) => looks)) {
      this.#open.delete(look);
      this.#answer(look);
    }
  }
}
