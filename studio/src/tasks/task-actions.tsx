import type { TaskStatus } from '@sluice/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, call } from '../api/calls.ts';
import { Button } from '../design/button.tsx';
import { Dialog } from '../design/dialog.tsx';
import { Notice } from '../design/notice.tsx';
import { navigate } from '../routing/location.tsx';
import { StartDialog } from './start-dialog.tsx';

type Action = 'publish' | 'start' | 'stop' | 'undeploy' | 'delete';

/** What can be done with a task now; what cannot says why. */
export function TaskActions({ status }: { status: TaskStatus }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const close = () => setAsked(null);
  const alive = !['draft', 'stopped', 'failed'].includes(status.state);
  const published = status.publishedVersion !== null;
  return (
    <>
      {alive ? (
        <Button onClick={() => setAsked('stop')} why={status.state === 'stopping' ? 'It is stopping' : null}>
          Stop
        </Button>
      ) : (
        <Button look="primary" onClick={() => setAsked('start')} why={published ? null : 'Publish it first'}>
          Start
        </Button>
      )}
      <Button onClick={() => setAsked('publish')}>Publish</Button>
      <Button
        onClick={() => setAsked('undeploy')}
        why={alive ? 'Stop it first' : published ? null : 'It is not published'}
      >
        Undeploy
      </Button>
      <Button
        onClick={() => setAsked('delete')}
        why={alive ? 'Stop and undeploy it first' : published ? 'Undeploy it first' : null}
      >
        Delete
      </Button>
      {asked === 'start' && <StartDialog status={status} onClose={close} />}
      {asked !== null && asked !== 'start' && <ActionDialog action={asked} status={status} onClose={close} />}
    </>
  );
}

const WORDS: Readonly<Record<Exclude<Action, 'start'>, { title: string; confirm: string; what: string[] }>> =
  {
    publish: {
      title: 'Publish the draft',
      confirm: 'Publish',
      what: [
        'The draft is checked against the source, and kept as the next version.',
        'A task that does not run is not started by it.',
      ],
    },
    stop: {
      title: 'Stop the task',
      confirm: 'Stop',
      what: [
        'It makes a last commit and keeps its position; the next start goes on from there.',
        'What a full load has loaded so far stays loaded.',
        "While it is stopped, the source keeps its log for it: PostgreSQL's slot grows, and MySQL may purge its binary log after its own time.",
      ],
    },
    undeploy: {
      title: 'Undeploy the task',
      confirm: 'Undeploy',
      what: [
        'Its position is forgotten, and what the source keeps for it is removed (PostgreSQL: slot and publication).',
        'Its next start begins with everything anew.',
        'Every table in the lake, and every row in it, stays.',
      ],
    },
    delete: {
      title: 'Delete the task',
      confirm: 'Delete',
      what: [
        'Its configuration, versions and the list of its runs are gone for good.',
        'Every table in the lake, and every row in it, stays.',
      ],
    },
  };

function ActionDialog({
  action,
  status,
  onClose,
}: {
  action: Exclude<Action, 'start'>;
  status: TaskStatus;
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const [force, setForce] = useState(false);
  const params = { ref: status.name };
  const words = WORDS[action];
  const act = useMutation({
    mutationFn: async (): Promise<readonly string[]> => {
      if (action === 'publish') await call('publishTask', { params });
      if (action === 'stop') await call('stopTask', { params });
      if (action === 'delete') await call('deleteTask', { params, query: { confirm: 'true' } });
      if (action === 'undeploy') {
        return (await call('undeployTask', { params, body: { confirm: true, force } })).done;
      }
      return [];
    },
    onSuccess: async (done) => {
      await queries.invalidateQueries();
      if (action === 'delete') navigate('/tasks');
      else if (done.length === 0) onClose();
    },
  });
  const away = act.error instanceof ApiError && act.error.code.startsWith('SOURCE_');
  return (
    <Dialog
      title={`${words.title} ${status.name}`}
      confirm={words.confirm}
      danger={action === 'undeploy' || action === 'delete'}
      busy={act.isPending}
      error={act.error}
      why={act.isSuccess ? 'It is done' : null}
      onConfirm={() => act.mutate()}
      onClose={onClose}
    >
      {act.isSuccess ? (
        <Notice tone="good" title="Done">
          {act.data.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </Notice>
      ) : (
        <ul className="what">
          {words.what.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      {action === 'undeploy' && away && (
        <label className="row">
          <input type="checkbox" checked={force} onChange={(event) => setForce(event.target.checked)} />
          Go on without the source; what it keeps for the task is then named here, to be removed by hand
        </label>
      )}
    </Dialog>
  );
}
