import { RE2JS } from 're2js';

export type NamePattern = (name: string) => boolean;

/**
 * A regular expression over names, by RE2's syntax and engine: its time is linear in the name's length whatever the
 * pattern is, so no pattern can hold the server up; there are no backreferences and no look-around for the same
 * reason. The whole name has to match, as if `^(?:` and `)$` stood around it.
 * @returns why it is none, as text, where it cannot be compiled
 */
export function namePattern(text: string): NamePattern | { readonly error: string } {
  try {
    const compiled = RE2JS.compile(text);
    return (name) => compiled.testExact(name);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
