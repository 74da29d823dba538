import { useState } from 'react';
import './new-sync.css';
import { Button, Copyable } from '../design/button.tsx';
import { navigate, useQueryValue } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { commandOf, type Draft, EMPTY, fileOf, missing, stepsOf } from './draft.ts';
import { NamingStep } from './naming-step.tsx';
import { ObjectsStep } from './objects-step.tsx';
import { SourceStep } from './source-step.tsx';
import { SummaryStep } from './summary-step.tsx';

/** A longer list of tables is no page to read. */
const MOST_IN_FILE = 500;
const KEY = 'sluice.new-sync';
const STEPS = ['Source', 'What to sync', 'Names in the lake', 'Summary'] as const;

function keptDraft(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Draft>) };
  } catch {
    return EMPTY;
  }
}

export interface StepProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
}

/** From a data source to a task that runs; nothing is asked twice, and what was chosen outlives the page. */
export default function NewSyncPage() {
  const [source] = useQueryValue('source');
  const [draft, setDraft] = useState<Draft>(() => {
    const kept = keptDraft();
    return source === '' || source === kept.source ? kept : { ...EMPTY, source };
  });
  const keep = (next: Draft) => {
    localStorage.setItem(KEY, JSON.stringify(next));
    setDraft(next);
  };
  return (
    <>
      <PageHead title="New sync" about="What is chosen here is kept in this browser until the task is made">
        <Button onClick={() => keep(EMPTY)}>Start over</Button>
      </PageHead>
      <Wizard
        draft={draft}
        keep={keep}
        task={null}
        onMade={(name) => {
          localStorage.removeItem(KEY);
          navigate(`/tasks/${encodeURIComponent(name)}`);
        }}
      />
    </>
  );
}

/** The steps; of a new task, or of one that is there and is changed. */
export function Wizard({
  draft,
  keep,
  task,
  onMade,
}: {
  draft: Draft;
  keep: (draft: Draft) => void;
  task: string | null;
  onMade: (name: string) => void;
}) {
  const change = (part: Partial<Draft>) => keep({ ...draft, ...part });
  const { step } = draft;
  const why = missing(draft, step);
  const Step = [SourceStep, ObjectsStep, NamingStep][step];
  const steps = stepsOf(draft);
  const beside = (by: 1 | -1) => steps[steps.indexOf(step) + by] ?? step;
  return (
    <>
      <ol className="steps" aria-label="Steps">
        {steps.map((at, place) => {
          const title = STEPS[at];
          const barred = at > step && steps.some((one) => one < at && missing(draft, one) !== null);
          return (
            <li key={title}>
              <button
                type="button"
                aria-current={at === step ? 'step' : undefined}
                disabled={barred}
                onClick={() => change({ step: at })}
              >
                <span>{place + 1}</span> {title}
              </button>
            </li>
          );
        })}
      </ol>
      <div className="wizard">
        <div className="stack wide">
          {Step === undefined ? (
            <SummaryStep draft={draft} change={change} task={task} onMade={onMade} />
          ) : (
            <>
              <Step draft={draft} change={change} />
              <div className="row">
                {step > 0 && <Button onClick={() => change({ step: beside(-1) })}>Back</Button>}
                <Button look="primary" why={why} onClick={() => change({ step: beside(1) })}>
                  Next
                </Button>
                {why !== null && <span className="muted">{why}</span>}
              </div>
            </>
          )}
        </div>
        <aside className="stack">
          <h2>The same by command</h2>
          <Copyable text={commandOf(draft, task !== null)} label="the commands" />
          {draft.tables.length <= MOST_IN_FILE && (
            <>
              <h2>The same as a file</h2>
              <Copyable text={fileOf(draft)} label="the file" />
            </>
          )}
        </aside>
      </div>
    </>
  );
}
