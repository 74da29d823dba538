import type { AlertKind, AlertPolicy, AlertRule } from '@sluice/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Dialog } from '../design/dialog.tsx';
import { SelectField, TextField } from '../design/field.tsx';
import { RULE_KINDS, RULES } from './kinds.ts';

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Adds or changes a rule. What is left empty has the default that stands there in grey. */
export function RuleDialog({
  rule,
  policies,
  onClose,
}: {
  rule: AlertRule | null;
  policies: readonly AlertPolicy[];
  onClose: () => void;
}) {
  const queries = useQueryClient();
  const [kind, setKind] = useState<AlertKind>(rule?.kind ?? 'task_stopped');
  const [name, setName] = useState(rule?.name ?? '');
  const [policy, setPolicy] = useState(rule?.policy ?? policies[0]?.name ?? '');
  const text = (value: number | null | undefined) => (value == null ? '' : String(value));
  const [numbers, setNumbers] = useState({
    threshold: text(rule?.threshold),
    windowSeconds: text(rule?.windowSeconds),
    holdSeconds: text(rule?.holdSeconds),
    calmSeconds: text(rule?.calmSeconds),
  });
  const [filters, setFilters] = useState({
    tasks: rule?.filters.tasks.join(', ') ?? '',
    folders: rule?.filters.folders.join(', ') ?? '',
    dataSources: rule?.filters.dataSources.join(', ') ?? '',
    tables: rule?.filters.tables.join(', ') ?? '',
  });
  const words = RULES[kind];
  const save = useMutation({
    mutationFn: async (): Promise<unknown> => {
      const settings = {
        name: name.trim(),
        policy,
        ...Object.fromEntries(
          Object.entries(numbers)
            .filter(([, value]) => value.trim() !== '')
            .map(([key, value]) => [key, Number(value)]),
        ),
        filters: {
          tasks: listed(filters.tasks),
          folders: listed(filters.folders),
          dataSources: listed(filters.dataSources),
          tables: listed(filters.tables),
        },
      };
      return rule === null
        ? call('createAlertRule', { body: { ...settings, kind } })
        : call('updateAlertRule', { params: { ref: rule.name }, body: settings });
    },
    onSuccess: async () => {
      await queries.invalidateQueries();
      onClose();
    },
  });
  const number = (key: keyof typeof numbers, label: string, hint?: string) => (
    <TextField
      label={label}
      inputMode="numeric"
      placeholder={String(words[key] ?? '')}
      value={numbers[key]}
      hint={hint}
      onText={(value) => setNumbers({ ...numbers, [key]: value })}
    />
  );
  const filter = (key: keyof typeof filters, label: string) => (
    <TextField
      label={label}
      placeholder="all"
      value={filters[key]}
      onText={(value) => setFilters({ ...filters, [key]: value })}
    />
  );
  return (
    <Dialog
      title={rule === null ? 'Add a rule' : `Change ${rule.name}`}
      confirm="Save"
      busy={save.isPending}
      error={save.error}
      why={name.trim() === '' ? 'A rule needs a name' : null}
      onConfirm={() => save.mutate()}
      onClose={onClose}
    >
      <div className="fields">
        <SelectField
          label="Fires when"
          value={kind}
          disabled={rule !== null}
          hint={words.about}
          onText={(value) => setKind(value as AlertKind)}
          options={RULE_KINDS.map((one) => [one, RULES[one].text] as const)}
        />
        <TextField label="Name" value={name} onText={setName} placeholder={kind.replaceAll('_', '-')} />
        <SelectField
          label="Told by"
          value={policy}
          onText={setPolicy}
          options={policies.map((one) => [one.name, one.name] as const)}
        />
        {words.unit !== null &&
          number('threshold', words.unit === 'failovers' ? 'Failovers' : 'Threshold, in seconds')}
        {words.windowSeconds > 0 && number('windowSeconds', 'Looks back, in seconds')}
        {number('holdSeconds', 'Has to last, in seconds', 'For so long before it fires')}
        {number('calmSeconds', 'Has to be well, in seconds', 'For so long before it is over')}
      </div>
      <p className="muted">Only of these, parted by commas; * stands for any characters.</p>
      <div className="fields">
        {filter('tasks', 'Tasks')}
        {filter('folders', 'Folders')}
        {filter('dataSources', 'Data sources')}
        {(kind === 'table_exception' || kind === 'latency') && filter('tables', 'Tables')}
      </div>
    </Dialog>
  );
}
