import type { Statement } from './effects.ts';
import type { Token } from './tokens.ts';

type Xa = Extract<Statement, { kind: 'xa' }>;

const VERBS: Readonly<Record<string, Xa['verb']>> = {
  START: 'start',
  BEGIN: 'start',
  END: 'end',
  PREPARE: 'prepare',
  COMMIT: 'commit',
  ROLLBACK: 'rollback',
};

/** What may stand behind the transaction's id. */
const BEHIND_ID = /^(ONE|JOIN|RESUME|SUSPEND)$/;

/** `XA START X'61',X'',1`, as both servers log it; null: another one, as XA RECOVER. */
export function xaStatement(tokens: readonly Token[]): Xa | null {
  const verb = VERBS[tokens[1]?.key ?? ''];
  if (verb === undefined) return null;
  const rest = tokens.slice(2);
  const end = rest.findIndex(({ key }) => BEHIND_ID.test(key));
  const onePhase = rest.some(({ key }, index) => key === 'ONE' && rest[index + 1]?.key === 'PHASE');
  const xid = (end < 0 ? rest : rest.slice(0, end))
    .map(({ kind, text }) => (kind === 'text' ? `'${text}'` : text))
    .join('');
  return { kind: 'xa', verb, xid, onePhase };
}
