import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Recorded, RecordingSink, UNCHANGED } from '../testing/recording-sink.ts';
import { log, xlogData } from '../testing/server-bytes.ts';
import { Framer } from './framer.ts';
import { PgoutputDecoder } from './pgoutput.ts';

const KEYED = log.relation(1, 'keyed', 'd', [
  ['id', true],
  ['t', false],
]);
const FULL = log.relation(2, 'full', 'f', [
  ['id', true],
  ['t', true],
]);

function decode(chunks: readonly Buffer[], sink = new RecordingSink(), from = 0n): readonly Recorded[] {
  const decoder = new PgoutputDecoder(sink, { from, markPrefix: 'sluice_x' });
  const framer = new Framer();
  for (const chunk of chunks) {
    // A read's memory is not ours to keep: whatever is used after it must have been copied.
    const transient = Buffer.from(chunk);
    framer.push(transient);
    while (framer.next()) void decoder.message(framer.bytes, framer.start + 25, framer.end);
    transient.fill(0xee);
  }
  return sink.events;
}

const wrap = (messages: readonly Buffer[]): Buffer =>
  Buffer.concat(messages.map((message, at) => xlogData(BigInt(at), message)));

function rows(messages: readonly Buffer[], keys?: Record<string, string[]>): unknown[] {
  const sink = new RecordingSink(keys);
  decode([wrap([log.begin(100n, 7), ...messages, log.commit(100n, 120n)])], sink);
  return sink.events.flatMap((event) => (event.kind === 'row' ? [[event.op, ...event.fields]] : []));
}

describe('pgoutput', () => {
  it('a transaction has an end, its time and its id', () => {
    const events = decode([wrap([log.begin(0x1_0000_0010n, 7), log.commit(0x1_0000_0010n, 0x1_0000_0040n)])]);
    expect(events).toEqual([
      { kind: 'begin', committedAt: 946_684_801_000_000n, xid: 7 },
      { kind: 'commit', end: '1/40' },
    ]);
  });

  it('an update of the key is a move and an update; of other columns an update', () => {
    expect(
      rows([
        KEYED,
        log.update(1, ['1', 'x']),
        log.update(1, ['2', 'x'], ['K', ['1', null]]),
        log.update(1, ['2', 'y'], ['K', ['2', null]]),
      ]),
    ).toEqual([
      ['U', '1', 'x'],
      ['K', '1', null],
      ['U', '2', 'x'],
      ['U', '2', 'y'],
    ]);
  });

  it('a value that was left out is unchanged, or comes from a whole old row', () => {
    expect(rows([KEYED, log.update(1, ['1', undefined])])).toEqual([['U', '1', UNCHANGED]]);
    expect(rows([FULL, log.update(2, ['1', undefined], ['O', ['1', 'old']])], { full: ['id'] })).toEqual([
      ['U', '1', 'old'],
    ]);
    // The old row of a partition whose own identity is its key: null does not mean that the value was null.
    expect(rows([FULL, log.update(2, ['2', undefined], ['O', ['1', null]])], { full: ['id'] })).toEqual([
      ['K', '1', null],
      ['U', '2', UNCHANGED],
    ]);
  });

  it('rows without a key are deleted whole and inserted anew', () => {
    expect(
      rows([
        FULL,
        log.insert(2, ['1', null]),
        log.update(2, ['1', undefined], ['O', ['1', 'long']]),
        log.delete(2, 'O', ['1', 'long']),
      ]),
    ).toEqual([
      ['I', '1', null],
      ['D', '1', 'long'],
      ['I', '1', 'long'],
      ['D', '1', 'long'],
    ]);
  });

  it('a delete has the key only, also under a whole old row', () => {
    expect(rows([KEYED, log.delete(1, 'K', ['1', null])])).toEqual([['D', '1', null]]);
    expect(rows([FULL, log.delete(2, 'O', ['1', 'x'])], { full: ['id'] })).toEqual([['D', '1', null]]);
  });

  it('a log that does not identify rows by the key is an error, not a guess', () => {
    const codes = (messages: readonly Buffer[], keys?: Record<string, string[]>): unknown => {
      try {
        return rows(messages, keys);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(codes([KEYED, log.insert(1, ['1', 'x'])], { keyed: ['t'] })).toBe('TABLE_NO_IDENTITY');
    expect(codes([KEYED, log.delete(1, 'K', [null, 'x'])])).toBe('TABLE_NO_IDENTITY');
    expect(codes([FULL, log.update(2, ['1', 'x'])])).toBe('TABLE_NO_IDENTITY');
    expect(codes([KEYED, log.insert(1, ['1'])])).toBe('SOURCE_PROTOCOL');
    expect(codes([log.insert(9, ['1'])])).toBe('SOURCE_PROTOCOL');
    expect(codes([Buffer.from('?')])).toBe('SOURCE_PROTOCOL');
  });

  it('tells a table once, and again when it has changed', () => {
    const wider = log.relation(1, 'keyed', 'd', [
      ['id', true],
      ['t', false],
      ['u', false],
    ]);
    const sink = new RecordingSink();
    decode(
      [
        wrap([
          KEYED,
          log.begin(1n, 1),
          log.insert(1, ['1', null]),
          KEYED,
          log.insert(1, ['2', null]),
          wider,
          log.commit(1n, 2n),
          log.begin(3n, 2),
          log.insert(1, ['3', null, 'u']),
          log.commit(3n, 4n),
        ]),
      ],
      sink,
    );
    expect(sink.events.map((event) => event.kind)).toEqual([
      'begin',
      'relation',
      'row',
      'row',
      'commit',
      'begin',
      'relation',
      'row',
      'commit',
    ]);
  });

  it('skips transactions before the position, keeps their table descriptions; marks of others are not ours', () => {
    const sink = new RecordingSink();
    decode(
      [
        wrap([
          log.begin(10n, 1),
          KEYED,
          log.insert(1, ['1', null]),
          log.mark('sluice_x', 'old'),
          log.truncate(1),
          log.commit(10n, 20n),
          log.begin(20n, 2),
          log.origin(),
          log.type(),
          log.insert(1, ['2', null]),
          log.mark('sluice_y', 'other'),
          log.mark('sluice_x', 'märk'),
          log.commit(20n, 30n),
        ]),
      ],
      sink,
      20n,
    );
    expect(sink.rows('keyed')).toEqual([['I', '2', null]]);
    expect(sink.events.flatMap((event) => (event.kind === 'mark' ? [event.text] : []))).toEqual(['märk']);
    expect(sink.events.filter((event) => event.kind === 'truncate')).toEqual([]);
  });

  const stream = wrap([
    log.begin(100n, 7),
    KEYED,
    FULL,
    log.insert(1, ['1', 'ä"\n,']),
    log.insert(1, ['2', '']),
    log.update(1, ['3', undefined], ['K', ['2', null]]),
    log.update(2, ['1', undefined], ['O', ['1', 'x'.repeat(300)]]),
    log.delete(2, 'O', ['1', 'x']),
    log.truncate(1, 2),
    log.mark('sluice_x', 'm'),
    log.commit(100n, 120n),
    log.begin(120n, 8),
    log.insert(2, [null, null]),
    log.commit(120n, 140n),
  ]);
  // A RelationMessage is one object for both, so that functions in it do not matter.
  const plain = (events: readonly Recorded[]): unknown =>
    structuredClone(
      events.map((event) => ({
        ...event,
        ...(event.kind === 'row' ? { fields: event.fields.map(String) } : {}),
      })),
    );
  const whole = plain(decode([stream]));

  it('a split at every byte gives the same', () => {
    for (let at = 0; at <= stream.length; at++)
      expect(plain(decode([stream.subarray(0, at), stream.subarray(at)]))).toEqual(whole);
    expect(plain(decode(Array.from(stream, (_, at) => stream.subarray(at, at + 1))))).toEqual(whole);
  });

  it('random splits give the same', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 30 }), (cuts) => {
        const sorted = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const chunks = sorted.slice(1).map((end, i) => stream.subarray(sorted[i], end));
        expect(plain(decode(chunks))).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('a large message in many reads costs what its bytes cost', () => {
    const value = 'y'.repeat(64 * 1024 * 1024);
    const bytes = wrap([log.begin(1n, 1), KEYED, log.insert(1, ['1', value]), log.commit(1n, 2n)]);
    let length = 0;
    const sink = new RecordingSink();
    const decoder = new PgoutputDecoder(
      {
        epoch: 0,
        begin: () => undefined,
        known: () => null,
        tables: () => [],
        ddl: () => undefined,
        relation: () => ({
          key: [0],
          buffer: Buffer.alloc(0),
          at: 0,
          room: () => undefined,
          lossy: () => undefined,
          begin: () => undefined,
          text: (_, start, end) => {
            length = Math.max(length, end - start);
          },
          null: () => undefined,
          unchanged: () => undefined,
          untold: () => undefined,
          end: () => undefined,
        }),
        truncate: () => undefined,
        mark: () => undefined,
        commit: () => undefined,
        idle: () => undefined,
      },
      { from: 0n, markPrefix: '' },
    );
    const framer = new Framer();
    const before = performance.now();
    for (let at = 0; at < bytes.length; at += 16_384) {
      framer.push(bytes.subarray(at, at + 16_384));
      while (framer.next()) void decoder.message(framer.bytes, framer.start + 25, framer.end);
    }
    expect(length).toBe(value.length);
    // 4096 reads: putting them together anew at each would be 128 GB of copying.
    expect(performance.now() - before).toBeLessThan(3000);
    expect(sink.events).toEqual([]);
  });
});
