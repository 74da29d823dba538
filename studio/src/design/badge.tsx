/** good: as it should be · busy: on the way · idle: nothing happens, as wanted · warn: look at it · bad: act */
export type Tone = 'good' | 'busy' | 'idle' | 'warn' | 'bad';

export function Badge({ tone, children, title }: { tone: Tone; children: string; title?: string }) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}
