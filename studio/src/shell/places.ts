/** Something that has a page of its own. */
export interface Place {
  readonly name: string;
  readonly to: string;
  readonly kind: string;
}

const SHOWN = 12;

/** Those whose name or kind has every word of the text; names that begin with it come first. */
export function found(places: readonly Place[], text: string): readonly Place[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const first = words[0] ?? '';
  const rank = ({ name }: Place): number =>
    name.toLowerCase().startsWith(first) ? 0 : name.toLowerCase().includes(first) ? 1 : 2;
  return places
    .filter(({ name, kind }) => {
      const whole = `${name} ${kind}`.toLowerCase();
      return words.every((word) => whole.includes(word));
    })
    .map((place, at) => ({ place, at }))
    .sort((a, b) => rank(a.place) - rank(b.place) || a.at - b.at)
    .slice(0, SHOWN)
    .map(({ place }) => place);
}
