import type { AlertChannel, AlertPolicy } from '@sluice/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Dialog } from '../design/dialog.tsx';
import { SelectField, TextField } from '../design/field.tsx';

const REPEATS = [
  ['', 'never'],
  ['900', 'every 15 minutes'],
  ['3600', 'every hour'],
  ['14400', 'every 4 hours'],
  ['86400', 'every day'],
] as const;

export function PolicyDialog({
  policy,
  channels,
  onClose,
}: {
  policy: AlertPolicy | null;
  channels: readonly AlertChannel[];
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const [name, setName] = useState(policy?.name ?? '');
  const [chosen, setChosen] = useState<readonly string[]>(
    policy?.channels ?? (channels.length === 1 ? channels.map((one) => one.name) : []),
  );
  const [repeat, setRepeat] = useState(policy === null ? '3600' : String(policy.repeatSeconds ?? ''));
  const [group, setGroup] = useState(String(policy?.groupSeconds ?? 15));
  const save = useMutation({
    mutationFn: async (): Promise<unknown> => {
      const body = {
        name: name.trim(),
        channels: [...chosen],
        repeatSeconds: repeat === '' ? null : Number(repeat),
        groupSeconds: Number(group),
      };
      return policy === null
        ? call('createAlertPolicy', { body })
        : call('updateAlertPolicy', { params: { ref: policy.name }, body });
    },
    onSuccess: async () => {
      await queries.invalidateQueries();
      onClose();
    },
  });
  // Another time than those offered comes from the command line; it stays what it is.
  const repeats = REPEATS.some(([value]) => value === repeat)
    ? REPEATS
    : [...REPEATS, [repeat, `every ${repeat} s`] as const];
  return (
    <Dialog
      title={policy === null ? 'Add a policy' : `Change ${policy.name}`}
      confirm="Save"
      busy={save.isPending}
      error={save.error}
      why={name.trim() === '' ? 'A policy needs a name' : chosen.length === 0 ? 'Choose a channel' : null}
      onConfirm={() => save.mutate()}
      onClose={onClose}
    >
      <TextField label="Name" value={name} onText={setName} placeholder="night" />
      <fieldset>
        <legend>Tells</legend>
        {channels.map((channel) => (
          <label key={channel.id} className="row">
            <input
              type="checkbox"
              checked={chosen.includes(channel.name)}
              onChange={(event) =>
                setChosen(
                  event.target.checked
                    ? [...chosen, channel.name]
                    : chosen.filter((one) => one !== channel.name),
                )
              }
            />
            {channel.name}
          </label>
        ))}
      </fieldset>
      <div className="fields">
        <SelectField label="Repeats while it lasts" value={repeat} onText={setRepeat} options={repeats} />
        <TextField
          label="Gathers, in seconds"
          inputMode="numeric"
          value={group}
          onText={setGroup}
          hint="So long the first alert waits for others of its kind; they become one message"
        />
      </div>
    </Dialog>
  );
}
