import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALERT_EVENTS,
  ALERT_MACHINE,
  ALERT_MACHINE_STATES,
  look,
  QUIET,
  type Watched,
} from './alert-machine.ts';

describe('the states of an alert', () => {
  it('have a cell for every event', () => {
    expect(Object.keys(ALERT_MACHINE).sort()).toEqual([...ALERT_MACHINE_STATES].sort());
    for (const state of ALERT_MACHINE_STATES)
      expect(Object.keys(ALERT_MACHINE[state]).sort(), state).toEqual([...ALERT_EVENTS].sort());
  });

  it('say that it fired on the way into firing, that it cleared on the way out of it, and nothing else', () => {
    const told = (state: string): boolean => state === 'firing' || state === 'clearing';
    for (const state of ALERT_MACHINE_STATES)
      for (const event of ALERT_EVENTS) {
        const { next, say } = ALERT_MACHINE[state][event];
        if (say === 'fired') expect([told(state), next]).toEqual([false, 'firing']);
        if (say === 'cleared') expect([told(state), told(next)]).toEqual([true, false]);
        if (!told(state) && told(next)) expect(say, `${state} ${event}`).toBe('fired');
        if (told(state) && !told(next)) expect(say).toBe('cleared');
      }
  });
});

describe('looking again and again', () => {
  const rule = { holdSeconds: 60, calmSeconds: 30 };
  function run(looks: readonly (readonly [number, boolean | null | undefined])[], by = rule) {
    const said: [number, string][] = [];
    let watched: Watched = QUIET;
    for (const [second, breached] of looks) {
      const { after, say } = look(watched, breached, second * 1000, by);
      watched = after;
      if (say !== null) said.push([second, say]);
    }
    return { said, state: watched.state };
  }

  it('fires once, when it has been so for long enough, and clears once', () => {
    const looks = [0, 10, 20, 59, 60, 70, 80].map((second) => [second, true] as const);
    expect(run(looks)).toEqual({ said: [[60, 'fired']], state: 'firing' });
    const after = run([...looks, [90, false], [110, false], [119, false], [120, false], [130, false]]);
    expect(after).toEqual({
      said: [
        [60, 'fired'],
        [120, 'cleared'],
      ],
      state: 'quiet',
    });
  });

  it('does not fire for a short time, and begins to count anew after it', () => {
    expect(
      run([
        [0, true],
        [50, true],
        [55, false],
        [56, true],
        [100, true],
        [115, true],
      ]).said,
    ).toEqual([]);
    expect(
      run([
        [0, true],
        [55, false],
        [56, true],
        [116, true],
      ]).said,
    ).toEqual([[116, 'fired']]);
  });

  it('does not clear for a short time', () => {
    const { said, state } = run([
      [0, true],
      [60, true],
      [70, false],
      [95, true],
      [100, false],
      [125, false],
    ]);
    expect(said).toEqual([[60, 'fired']]);
    expect(state).toBe('clearing');
  });

  it('fires and clears at the first look where the rule does not wait', () => {
    const at = { holdSeconds: 0, calmSeconds: 0 };
    expect(
      run(
        [
          [0, false],
          [5, true],
          [10, true],
          [15, false],
        ],
        at,
      ).said,
    ).toEqual([
      [5, 'fired'],
      [15, 'cleared'],
    ]);
  });

  it('stays as it is while nobody can tell, and ends when the rule is gone', () => {
    expect(
      run([
        [0, true],
        [60, true],
        [70, null],
        [500, null],
      ]),
    ).toEqual({ said: [[60, 'fired']], state: 'firing' });
    expect(
      run([
        [0, null],
        [60, null],
      ]),
    ).toEqual({ said: [], state: 'quiet' });
    expect(
      run([
        [0, true],
        [60, true],
        [70, undefined],
      ]),
    ).toEqual({
      said: [
        [60, 'fired'],
        [70, 'cleared'],
      ],
      state: 'quiet',
    });
  });

  it('says fired and cleared by turns, whatever is seen', () => {
    const seen = fc.array(fc.tuple(fc.nat(40), fc.constantFrom(true, false, null, undefined)), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(seen, (steps) => {
        let second = 0;
        const looks = steps.map(([gap, breached]) => {
          second += gap;
          return [second, breached] as const;
        });
        const { said } = run(looks);
        expect(said.map(([, say]) => say)).toEqual(
          said.map((_, index) => (index % 2 === 0 ? 'fired' : 'cleared')),
        );
      }),
    );
  });
});
