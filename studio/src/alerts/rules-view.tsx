import type { AlertRule } from '@sluice/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { count, period } from '../format/numbers.ts';
import { useQueryValue } from '../routing/location.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { RULE_KINDS, RULES } from './kinds.ts';
import { RuleDialog } from './rule-dialog.tsx';

/** `2 failovers in 15 min`, `60 s for 60 s`; empty where the rule asks yes or no. */
function conditionText({ kind, threshold, windowSeconds, holdSeconds }: AlertRule): string {
  const words = RULES[kind];
  if (words.unit === null || threshold === null) return holdSeconds === 0 ? '' : `for ${period(holdSeconds)}`;
  return words.unit === 'failovers'
    ? `${count(threshold)} in ${period(windowSeconds)}`
    : `over ${period(threshold)}${holdSeconds === 0 ? '' : ` for ${period(holdSeconds)}`}`;
}

const filterText = ({ filters }: AlertRule): string =>
  [
    ['folder', filters.folders],
    ['task', filters.tasks],
    ['data source', filters.dataSources],
    ['table', filters.tables],
  ]
    .filter(([, patterns]) => (patterns ?? []).length > 0)
    .map(([what, patterns]) => `${what} ${(patterns as string[]).join(', ')}`)
    .join('; ');

export function RulesView() {
  const queries = useQueryClient();
  const [, setTab] = useQueryValue('tab');
  const [asked, setAsked] = useState<AlertRule | 'new' | null>(null);
  const [deleted, setDeleted] = useState<AlertRule | null>(null);
  const rules = useQuery({
    queryKey: ['alert-rules'],
    queryFn: ({ signal }) => call('listAlertRules', { signal }),
  });
  const policies = useQuery({
    queryKey: ['alert-policies'],
    queryFn: ({ signal }) => call('listAlertPolicies', { signal }),
  });
  const first = policies.data?.[0]?.name ?? null;
  const usual = useMutation({
    mutationFn: async (policy: string) => {
      for (const kind of RULE_KINDS)
        await call('createAlertRule', { body: { name: kind.replaceAll('_', '-'), kind, policy } });
    },
    onSettled: () => queries.invalidateQueries(),
  });
  const turn = useMutation({
    mutationFn: ({ name, enabled }: { name: string; enabled: boolean }) =>
      call('updateAlertRule', { params: { ref: name }, body: { enabled } }),
    onSettled: () => queries.invalidateQueries(),
  });
  if (rules.data === undefined || policies.data === undefined)
    return <ErrorNotice error={rules.error ?? policies.error} />;
  return (
    <>
      <ErrorNotice error={usual.error ?? turn.error} />
      <section className="card" aria-label="Rules">
        <header>
          <h2>What is watched</h2>
          <Button
            look={rules.data.length === 0 ? 'plain' : 'primary'}
            why={first === null ? 'Say first who is told' : null}
            onClick={() => setAsked('new')}
          >
            Add a rule
          </Button>
        </header>
        {rules.data.length === 0 ? (
          first === null ? (
            <Empty title="First, say who is told">
              <p>
                A rule needs a policy: the channels that its alerts go to, and how often they are repeated.
              </p>
              <Button look="primary" onClick={() => setTab('told')}>
                Who is told
              </Button>
            </Empty>
          ) : (
            <Empty title="Nothing is watched yet">
              <p>
                Five rules see to the nights: failovers, failed tasks, tables on the blocklist, latency over a
                minute, and a read position five minutes behind.
              </p>
              <Button look="primary" disabled={usual.isPending} onClick={() => usual.mutate(first)}>
                {usual.isPending ? 'Working …' : `Add the five, told by ${first}`}
              </Button>
            </Empty>
          )
        ) : (
          <div className="scroll">
            <table className="list">
              <thead>
                <tr>
                  <th>Rule</th>
                  <th>Fires when</th>
                  <th>Condition</th>
                  <th className="spare">Only</th>
                  <th>Told by</th>
                  <th>State</th>
                  <th>
                    <span className="unseen">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rules.data.map((rule) => (
                  <tr key={rule.id}>
                    <td>{rule.name}</td>
                    <td title={RULES[rule.kind].about}>{RULES[rule.kind].text}</td>
                    <td className="number">{conditionText(rule)}</td>
                    <td className="muted spare">{filterText(rule) || 'everything'}</td>
                    <td>{rule.policy}</td>
                    <td>
                      {!rule.enabled ? (
                        <Badge tone="idle">off</Badge>
                      ) : rule.firing > 0 ? (
                        <Badge tone="bad">{`${count(rule.firing)} firing`}</Badge>
                      ) : (
                        <Badge tone="good">quiet</Badge>
                      )}
                    </td>
                    <td className="right number">
                      <Button
                        small
                        look="quiet"
                        onClick={() => setAsked(rule)}
                        aria-label={`Change ${rule.name}`}
                      >
                        Change
                      </Button>
                      <Button
                        small
                        look="quiet"
                        aria-label={`Turn ${rule.enabled ? 'off' : 'on'} ${rule.name}`}
                        onClick={() => turn.mutate({ name: rule.name, enabled: !rule.enabled })}
                      >
                        {rule.enabled ? 'Turn off' : 'Turn on'}
                      </Button>
                      <Button
                        small
                        look="quiet"
                        onClick={() => setDeleted(rule)}
                        aria-label={`Delete ${rule.name}`}
                      >
                        Delete
                      </Button>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {asked !== null && (
        <RuleDialog
          rule={asked === 'new' ? null : asked}
          policies={policies.data}
          onClose={() => setAsked(null)}
        />
      )}
      {deleted !== null && (
        <DeleteDialog
          name={deleted.name}
          remove={() => call('deleteAlertRule', { params: { ref: deleted.name } })}
          onClose={() => setDeleted(null)}
        >
          <p>Its alerts that fire end without a word.</p>
        </DeleteDialog>
      )}
    </>
  );
}
