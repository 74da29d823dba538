import type { CheckCdcResult } from '@sluice/contract';
import { Badge, type Tone } from '../design/badge.tsx';
import { Copyable } from '../design/button.tsx';
import { Notice } from '../design/notice.tsx';
import { counted } from '../format/numbers.ts';

type Finding = CheckCdcResult['findings'][number];

const LEVELS: Readonly<Record<Finding['level'], { tone: Tone; text: string; rank: number }>> = {
  error: { tone: 'bad', text: 'to mend', rank: 0 },
  warning: { tone: 'warn', text: 'to know', rank: 1 },
  info: { tone: 'idle', text: 'note', rank: 2 },
  ok: { tone: 'good', text: 'fine', rank: 3 },
};

/** What stands in the way of change capture, each with the statement that mends it. */
export function Checklist({ result }: { result: CheckCdcResult }) {
  const findings = [...result.findings].sort((a, b) => LEVELS[a.level].rank - LEVELS[b.level].rank);
  const errors = findings.filter(({ level }) => level === 'error').length;
  return (
    <div className="stack">
      <Notice
        tone={result.passed ? 'good' : 'bad'}
        title={
          result.passed
            ? 'Its changes can be captured'
            : `${counted(errors, 'thing stands', 'things stand')} in the way of change capture`
        }
      >
        {!result.passed && <p>Run the statements as an administrator of the database, then check again.</p>}
      </Notice>
      {findings.length > 0 && (
        <ul className="card findings">
          {findings.map((finding) => (
            <li key={`${finding.code}-${finding.subject}`}>
              <Badge tone={LEVELS[finding.level].tone}>{LEVELS[finding.level].text}</Badge>
              <div className="stack">
                <div>
                  <strong>{finding.subject}</strong> <span className="muted">{finding.found}</span>
                </div>
                {finding.level !== 'ok' && <p className="muted">{finding.why}</p>}
                {finding.fix !== null && finding.level !== 'ok' && (
                  <Copyable text={finding.fix} label={`the statement for ${finding.subject}`} />
                )}
              </div>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
