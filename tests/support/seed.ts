import { randomInt } from 'node:crypto';
import fc from 'fast-check';

/** What CI draws from: a change is judged by what it changed, not by what another seed would have found. */
const CI_SEED = 9;

/** For tests that draw at random and print what they drew from. Each run draws anew, except in CI. */
export function freshSeed(): number {
  return process.env.CI === undefined ? randomInt(2 ** 31) : CI_SEED;
}

if (process.env.CI !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: CI_SEED });
