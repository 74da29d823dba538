import { SluiceError } from '@sluice/contract';
import { describe, expect, it } from 'vitest';
import { type ConfirmationNeeded, Confirmations } from './confirmations.ts';

let now = 0;
const confirmations = new Confirmations(() => now);
let consequences = 'This deletes a.';
const remove = async (confirm: boolean): Promise<unknown> => {
  if (!confirm) throw new SluiceError('CONFIRMATION_REQUIRED', consequences);
  return 'deleted';
};
const ask = async (args: object, given?: string) =>
  (await confirmations.through('delete', { ...args }, given, remove)) as ConfirmationNeeded;

describe('a confirmation', () => {
  it('is told with the consequences, and agrees to the same call', async () => {
    const { confirmation, ...told } = await ask({ a: 1, b: { c: 2, d: undefined } });
    expect(told).toMatchObject({ confirmationRequired: true, consequences });
    expect(await ask({ b: { c: 2 }, a: 1 }, confirmation)).toBe('deleted');
  });

  it('is none for other arguments, another tool, other consequences, or later on', async () => {
    const { confirmation } = await ask({ a: 1 });
    const none = { confirmationRequired: true, next: expect.stringContaining('too old') };
    expect(await ask({ a: 2 }, confirmation)).toMatchObject(none);
    expect(await confirmations.through('drop', { a: 1 }, confirmation, remove)).toMatchObject(none);
    expect(
      await new Confirmations(() => now).through('delete', { a: 1 }, confirmation, remove),
    ).toMatchObject(none);
    for (const wrong of ['', 'x', `${confirmation}x`, confirmation.replace(/^./, 'z')])
      expect(await ask({ a: 1 }, wrong)).toMatchObject(none);
    consequences = 'This deletes a and b.';
    expect(await ask({ a: 1 }, confirmation)).toMatchObject({ ...none, consequences });
    consequences = 'This deletes a.';
    now += 15 * 60_000 - 1;
    expect(await ask({ a: 1 }, confirmation)).toBe('deleted');
    now += 1;
    expect(await ask({ a: 1 }, confirmation)).toMatchObject(none);
  });

  it('is not asked for where nothing asks, and does not hide what is refused', async () => {
    expect(await confirmations.through('delete', {}, undefined, async () => 'done')).toBe('done');
    const refused = confirmations.through('delete', {}, undefined, async () => {
      throw new SluiceError('NOT_FOUND', 'There is no a.');
    });
    await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
