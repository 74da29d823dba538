import type { TableOrder, TaskTable } from '@sluice/contract';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Copyable } from '../design/button.tsx';
import { Dialog } from '../design/dialog.tsx';
import { TextField } from '../design/field.tsx';
import { Notice } from '../design/notice.tsx';
import { counted } from '../format/numbers.ts';
import { ORDERS } from './orders.ts';
import { nameOf } from './table-filter.ts';

const NAMED = 6;

/** Says what an order will do, does it, and says what became of it, table by table. */
export function OrderDialog({
  task,
  order,
  tables,
  running,
  onClose,
}: {
  task: string;
  order: TableOrder;
  tables: readonly TaskTable[];
  running: boolean;
  onClose: () => void;
}) {
  const [where, setWhere] = useState('');
  const words = ORDERS[order];
  const send = useMutation({
    mutationFn: () =>
      call('orderTables', {
        params: { ref: task },
        body: {
          order,
          tables: tables.map(({ id }) => id),
          confirm: true,
          ...(order === 'backfill' ? { where } : {}),
        },
      }),
    onSuccess: (results) => {
      if (results.every(({ outcome }) => outcome === 'done')) onClose();
    },
  });
  const open = send.data?.filter(({ outcome }) => outcome !== 'done') ?? [];
  const names = tables.slice(0, NAMED).map(({ source }) => nameOf(source));
  const more = tables.length - names.length;
  const filter = order === 'backfill' ? ` --where ${quoted(where === '' ? 'filter' : where)}` : '';
  return (
    <Dialog
      title={`${words.text}: ${tables.length === 1 ? names[0] : counted(tables.length, 'table')}`}
      confirm={words.text}
      danger={order === 'stop' || order === 'cancel'}
      busy={send.isPending}
      error={send.error}
      why={
        order === 'backfill' && where.trim() === ''
          ? 'Say which rows'
          : send.data !== undefined
            ? 'It was ordered'
            : null
      }
      onConfirm={() => send.mutate()}
      onClose={onClose}
    >
      <p>{words.consequence} The other tables flow on.</p>
      {!running && <Notice tone="warn" title="The task does not run: the order waits until it is started." />}
      {tables.length > 1 && (
        <p className="muted">
          {names.join(', ')}
          {more > 0 && ` and ${more} more`}
        </p>
      )}
      {order === 'backfill' && (
        <TextField
          label="Which rows"
          placeholder="created_at >= '2026-01-01'"
          value={where}
          onText={setWhere}
          hint="A comparison of columns with values, as the source's database writes it"
        />
      )}
      <Copyable
        label="the command"
        text={`sluice task cdc ${order}-table ${quoted(task)} ${quoted(tables.map(({ source }) => nameOf(source)).join(','))}${filter}`}
      />
      {open.map((result) => (
        <Notice
          key={result.id}
          tone={result.outcome === 'refused' ? 'bad' : 'busy'}
          title={
            result.outcome === 'refused'
              ? `${nameOf(result.source)}: ${result.reason ?? 'refused'}`
              : `${nameOf(result.source)} waits: the run carries it out as soon as it can.`
          }
        />
      ))}
    </Dialog>
  );
}

/** As a shell takes it. */
const quoted = (text: string): string =>
  /^[\w.,@%+=:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
