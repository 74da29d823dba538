import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { ButtonLink } from '../design/button.tsx';
import { ErrorNotice, Notice } from '../design/notice.tsx';
import { When } from '../format/time.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { lineDifferences } from './line-differences.ts';

const DRAFT = 'draft';
const written = (spec: unknown): string => JSON.stringify(spec, null, 2);

/** Draft and versions, each against the one before it. */
export function VersionsView({ task, version }: { task: string; version: number | null }) {
  const [chosen, setChosen] = useQueryValue('version', DRAFT);
  const params = { ref: task };
  const draft = useQuery({
    queryKey: ['task', task],
    queryFn: ({ signal }) => call('getTask', { params, signal }),
  });
  const versions = useQuery({
    queryKey: ['versions', task, version],
    queryFn: ({ signal }) => call('listTaskVersions', { params, signal }),
  });
  if (draft.data === undefined || versions.data === undefined)
    return <ErrorNotice error={draft.error ?? versions.error} />;
  const states = [
    { id: DRAFT, text: 'Draft', spec: draft.data.draft as unknown, at: draft.data.updatedAt },
    ...versions.data.map((one) => ({
      id: String(one.version),
      text: `Version ${one.version}`,
      spec: one.spec as unknown,
      at: one.publishedAt,
    })),
  ];
  const at = Math.max(
    0,
    states.findIndex(({ id }) => id === chosen),
  );
  const shown = states[at]!;
  const before = states[at + 1];
  const lines = lineDifferences(
    before === undefined ? written(shown.spec) : written(before.spec),
    written(shown.spec),
  );
  const differs = lines.some(({ side }) => side !== 'both');
  return (
    <div className="beside">
      <ul className="card versions">
        {states.map(({ id, text, at: when }) => (
          <li key={id}>
            <button type="button" aria-pressed={id === shown.id} onClick={() => setChosen(id)}>
              <span className="row">
                {text}
                {id === String(draft.data.publishedVersion) && <Badge tone="good">published</Badge>}
              </span>
              <span className="small muted">
                <When time={when} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      <div className="stack">
        <div className="row">
          <ButtonLink to={`/tasks/${encodeURIComponent(task)}/configure`} look="primary">
            Change the draft
          </ButtonLink>
        </div>
        {before !== undefined && (
          <Notice
            tone={differs ? 'busy' : 'idle'}
            title={
              differs
                ? `What is different from ${before.text.toLowerCase()}`
                : `The same as ${before.text.toLowerCase()}`
            }
          />
        )}
        <div className="card scroll">
          <pre className="inside">
            {lines.map(({ side, text }, line) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line of a text is its place
              <span key={line} className={`difference ${side}`}>
                {side === 'left' ? '− ' : side === 'right' ? '+ ' : '  '}
                {text}
              </span>
            ))}
          </pre>
        </div>
      </div>
    </div>
  );
}
