import type { StartTask, TaskStatus } from '@sluice/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Dialog } from '../design/dialog.tsx';
import { Choice, TextField } from '../design/field.tsx';
import { When } from '../format/time.tsx';

type From = 'resume' | 'stateless' | 'position' | 'time';

/** The ways to begin, each with what it means for this task now. */
export function StartDialog({ status, onClose }: { status: TaskStatus; onClose: () => void }) {
  const queries = useQueryClient();
  const [from, setFrom] = useState<From>('resume');
  const [position, setPosition] = useState('');
  const [time, setTime] = useState('');
  const start = useMutation({
    mutationFn: () =>
      call('startTask', { params: { ref: status.name }, body: request(from, position, time) }),
    onSuccess: async () => {
      await queries.invalidateQueries();
      onClose();
    },
  });
  const missing =
    (from === 'position' && position.trim() === '') || (from === 'time' && Number.isNaN(Date.parse(time)));
  return (
    <Dialog
      title={`Start ${status.name}`}
      confirm="Start"
      busy={start.isPending}
      error={start.error}
      why={missing ? 'Say from where' : null}
      onConfirm={() => start.mutate()}
      onClose={onClose}
    >
      <div className="stack">
        <Choice name="from" title="Resume" checked={from === 'resume'} onChoose={() => setFrom('resume')}>
          {status.position === null ? (
            'There is no saved position: it begins with a full load.'
          ) : (
            <>
              From the saved position, of <When time={status.committedAt} />. Nothing is loaded again.
            </>
          )}
        </Choice>
        <Choice
          name="from"
          title="Everything anew"
          checked={from === 'stateless'}
          onChoose={() => setFrom('stateless')}
        >
          A full load of every table beside what is visible, then one swap a table. The saved position is
          forgotten.
        </Choice>
        <Choice
          name="from"
          title="From a position"
          checked={from === 'position'}
          onChoose={() => setFrom('position')}
        >
          The log is read from there; no full load. Changes before it are not seen. A place that the source no
          longer has is refused before anything is touched.
        </Choice>
        {from === 'position' && (
          <TextField
            label="Position"
            value={position}
            onText={setPosition}
            hint="PostgreSQL: an LSN such as 16/B374D848. MySQL and MariaDB: binlog.000042:4711, or a GTID set"
          />
        )}
        <Choice name="from" title="From a time" checked={from === 'time'} onChoose={() => setFrom('time')}>
          From the first transaction at or after it. MySQL and MariaDB only: PostgreSQL's log has no index of
          times.
        </Choice>
        {from === 'time' && (
          <TextField
            label="Time, of this browser's zone"
            type="datetime-local"
            step={1}
            value={time}
            onText={setTime}
          />
        )}
      </div>
    </Dialog>
  );
}

function request(from: From, position: string, time: string): StartTask {
  if (from === 'position') return { from: 'custom', position: position.trim() };
  if (from === 'time') return { from: 'custom', time: new Date(time).toISOString() };
  return { from };
}
