import type { Problem } from '@sluice/contract';
import type { ReactNode } from 'react';
import { ApiError } from '../api/calls.ts';
import type { Tone } from './badge.tsx';

export function Notice({ tone, title, children }: { tone: Tone; title: ReactNode; children?: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** What went wrong, and what to do about it. */
export function ProblemNotice({ problem }: { problem: Problem }) {
  return (
    <Notice tone="bad" title={problem.message}>
      <p>{problem.remedy}</p>
      <p className="small muted">
        <code>{problem.code}</code>
      </p>
    </Notice>
  );
}

export function ErrorNotice({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  if (error instanceof ApiError)
    return <ProblemNotice problem={{ code: error.code, message: error.message, remedy: error.remedy }} />;
  return <Notice tone="bad" title={error instanceof Error ? error.message : String(error)} />;
}

/** Nothing is there yet: why, and what makes something be there. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
