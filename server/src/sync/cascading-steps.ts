import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '@sluice/contract';
import { tableText } from '../model/table.ts';
import type { CascadePart } from '../targets/target.ts';
import {
  dependsOn,
  keepsLines,
  type LanesByObject,
  lacksParents,
  linesFor,
  referencesTo,
} from './cascades.ts';
import type { Lane } from './lane.ts';
import type { LaneInput } from './lane-step.ts';
import type { LaneStep } from './lane-turn.ts';
import type { RunContext } from './run-context.ts';

/**
 * The order of one commit's steps: a table comes behind those that its foreign keys refer to, and gets from their
 * steps the lines of what the source did to its rows unseen. Without such tables all are of one round.
 */
export class CascadingSteps {
  readonly #context: RunContext;
  readonly #lanes: readonly Lane[];
  readonly #byObject: LanesByObject;
  readonly #cascades = new Map<Lane, CascadePart[]>();
  readonly #untold = new Map<Lane, string>();
  readonly #done = new Set<Lane>();
  readonly #name: string;
  readonly #files: string[] = [];

  /** `nextOrd`: no other commit of the attempt has the same. */
  constructor(context: RunContext, lanes: readonly Lane[], nextOrd: number) {
    this.#context = context;
    this.#lanes = lanes;
    this.#byObject = new Map(lanes.map((lane) => [lane.objectId, lane]));
    this.#name = join(context.spoolFolder, `cascade-${nextOrd}`);
  }

  /** The lanes whose steps can be made now; none: all are made. */
  next(work: Iterable<Lane>): Lane[] {
    const left = new Set([...work, ...this.#cascades.keys(), ...this.#untold.keys()]);
    for (const lane of this.#lanes)
      if (keepsLines(lane) && lacksParents(lane, this.#byObject)) left.add(lane);
    for (const lane of this.#done) left.delete(lane);
    const free = [...left].filter((lane) => !dependsOn(lane, left, this.#byObject));
    // In a circle of foreign keys whose effects are logged no order matters.
    const ready = free.length > 0 ? free : [...left];
    for (const lane of ready) this.#done.add(lane);
    return ready;
  }

  of(lane: Lane): Pick<LaneInput, 'cascades' | 'cascadesVersion' | 'untold' | 'tellDeleted'> {
    const lost = keepsLines(lane) && lacksParents(lane, this.#byObject);
    const tells = (lane.kept.schema.cascades?.length ?? 0) > 0 && this.#referring(lane).length > 0;
    return {
      cascades: this.#cascades.get(lane) ?? [],
      cascadesVersion: lane.schemaVersion,
      untold:
        this.#untold.get(lane) ??
        (lost ? 'what its foreign keys do is not told while a table that they refer to is loaded' : null),
      tellDeleted: tells ? `${this.#name}-${lane.id}-deleted` : null,
    };
  }

  #referring(lane: Lane): ReturnType<typeof referencesTo> {
    return referencesTo(lane, this.#lanes).filter(({ child }) => child !== lane);
  }

  /** Behind a lane's step: what the tables that refer to it learn from that. */
  async made(lane: Lane, { told }: LaneStep): Promise<void> {
    for (const part of told) if (part.format === 'parquet') this.#files.push(...part.files);
    if (!told.some((part) => part.unseen)) return;
    const { target, signal, log } = this.#context;
    for (const [n, reference] of this.#referring(lane).entries()) {
      const { child } = reference;
      try {
        const file = `${this.#name}-${lane.id}-${n}.parquet`;
        const part = await linesFor(target, lane, told, reference, file, signal);
        this.#files.push(file);
        if (part === null) continue;
        this.#cascades.set(child, [...(this.#cascades.get(child) ?? []), part]);
        log.debug({ table: tableText(child.source), lines: part.rows }, 'foreign keys changed rows unseen');
      } catch (error) {
        const trouble = SluiceError.from(error);
        if (trouble.code !== 'TABLE_CASCADE') throw error;
        this.#untold.set(child, trouble.message);
      }
    }
  }

  async removeFiles(): Promise<void> {
    await Promise.all(this.#files.splice(0).map((file) => rm(file, { force: true })));
  }
}
