import { joinPositions, splitPositions } from '../sources/composite/composite-position.ts';
import type { MemberSinks, Position } from '../sources/source.ts';
import type { Lane } from './lane.ts';
import { Router, type RouterOptions, type RunRouter, type Sealed } from './router.ts';

/**
 * A router for each member of a sharded-table merge: transactions of different logs are read at the same time. What is
 * sealed is what all of them have whole at one moment.
 */
export class RouterGroup implements RunRouter {
  readonly #routers: ReadonlyMap<string, Router>;
  readonly #read: ReadonlySet<string>;
  /** Members from which a mark is still to come back, by its text. */
  readonly #marks = new Map<string, Set<string>>();

  /** `away`: members whose place stays, and whose log is not read. */
  constructor(labels: readonly string[], away: readonly string[], options: RouterOptions) {
    const positions =
      options.position === '' ? new Map<string, Position>() : splitPositions(options.position);
    this.#read = new Set(labels);
    this.#routers = new Map(
      [...labels, ...away].map((label, index) => [
        label,
        new Router({
          ...options,
          position: positions.get(label) ?? '',
          limit: Math.ceil(options.limit / labels.length),
          prefix: `${index}-`,
        }),
      ]),
    );
  }

  /** For the composite source, which hands each member's log to what `member` gives. */
  readonly sink: MemberSinks = { member: (label) => this.#routers.get(label)! };

  get position(): Position {
    return joinPositions(new Map([...this.#routers].map(([label, router]) => [label, router.position])));
  }

  readOf(lane: Lane): { readonly nextOrd: number; readonly position: Position } {
    return this.#of(lane).readOf();
  }

  get waiting(): 'changes' | 'position' | 'nothing' {
    const all = this.#all().map((router) => router.waiting);
    return all.includes('changes') ? 'changes' : all.includes('position') ? 'position' : 'nothing';
  }

  get ddlWaits(): boolean {
    return this.#all().some((router) => router.ddlWaits);
  }

  get linesWaiting(): number {
    return this.#all().reduce((sum, router) => sum + router.linesWaiting, 0);
  }

  get bytesWaiting(): number {
    return this.#all().reduce((sum, router) => sum + router.bytesWaiting, 0);
  }

  get waitingSince(): bigint | null {
    return earliest(this.#all().map((router) => router.waitingSince));
  }

  set onWaiting(call: () => void) {
    for (const router of this.#all()) router.onWaiting = call;
  }

  set onUnidentified(call: (lane: Lane) => void) {
    for (const router of this.#all()) router.onUnidentified = call;
  }

  startAt(position: Position): void {
    for (const [label, place] of splitPositions(position)) this.#routers.get(label)?.startAt(place);
  }

  adopt(lane: Lane): void {
    this.#routers.get(lane.source.shard ?? '')?.adopt(lane);
  }

  forget(lane: Lane): void {
    for (const router of this.#all()) router.forget(lane);
  }

  refresh(): void {
    for (const router of this.#all()) router.refresh();
  }

  seal(): Sealed {
    const sealed = [...this.#routers].map(([label, router]) => ({ label, part: router.seal() }));
    const parts = sealed.map(({ part }) => part);
    return {
      position: joinPositions(new Map(sealed.map(({ label, part }) => [label, part.position]))),
      nextOrd: Math.max(...parts.map((part) => part.nextOrd)),
      rows: parts.reduce((sum, part) => sum + part.rows, 0),
      lanes: new Map(parts.flatMap((part) => [...part.lanes])),
      // An event's place is compared with those of the merge.
      events: new Map(
        sealed.flatMap(({ label, part }) =>
          [...part.events].map(
            ([lane, events]) =>
              [
                lane,
                events.map((one) => ({ ...one, end: joinPositions(new Map([[label, one.end]])) })),
              ] as const,
          ),
        ),
      ),
      firstCommit: earliest(parts.map((part) => part.firstCommit)),
      marks: sealed.flatMap(({ label, part }) => part.marks.filter((mark) => this.#allReturned(mark, label))),
    };
  }

  eventsSettled(events: Sealed['events']): void {
    for (const [label, router] of this.#routers)
      router.eventsSettled(new Map([...events].filter(([lane]) => lane.source.shard === label)));
  }

  discard(): void {
    for (const router of this.#all()) router.discard();
  }

  /** A mark is written into every log; it has come back when it has from each. */
  #allReturned(mark: string, label: string): boolean {
    const left = this.#marks.get(mark) ?? new Set(this.#read);
    left.delete(label);
    if (left.size > 0) this.#marks.set(mark, left);
    else this.#marks.delete(mark);
    return left.size === 0;
  }

  #of(lane: Lane): Router {
    return this.#routers.get(lane.source.shard ?? '')!;
  }

  #all(): readonly Router[] {
    return [...this.#routers.values()];
  }
}

function earliest(moments: readonly (bigint | null)[]): bigint | null {
  return moments.reduce<bigint | null>(
    (first, one) => (one !== null && (first === null || one < first) ? one : first),
    null,
  );
}
