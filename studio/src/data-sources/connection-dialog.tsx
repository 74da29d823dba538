import type { CreateDataSource, DataSource, DsTypeWord } from '@sluice/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Dialog } from '../design/dialog.tsx';
import { SelectField, TextField } from '../design/field.tsx';
import { Notice } from '../design/notice.tsx';
import { duration } from '../format/numbers.ts';
import { navigate } from '../routing/location.tsx';
import { hasSchemas, KINDS } from './kinds.ts';

/**
 * Adds or changes a connection. Saving tries it; one that does not work is kept, so that what was typed is not lost,
 * and says why until it is mended.
 */
export function ConnectionDialog({ source, onClose }: { source: DataSource | null; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState(source?.name ?? '');
  const [type, setType] = useState<DsTypeWord>((source?.type as DsTypeWord | undefined) ?? 'postgres');
  const [host, setHost] = useState(source?.host ?? '');
  const [port, setPort] = useState(source === null ? '' : String(source.port));
  const [username, setUsername] = useState(source?.username ?? '');
  const [password, setPassword] = useState('');
  const [database, setDatabase] = useState(source?.database ?? '');
  const [sslmode, setSslmode] = useState<NonNullable<CreateDataSource['sslmode']>>(
    source?.sslmode ?? 'disable',
  );
  const [timezone, setTimezone] = useState(source?.timezone ?? '');
  /** Once it was saved, it is changed and not made a second time. */
  const [saved, setSaved] = useState(source?.name ?? null);
  const save = useMutation({
    mutationFn: async () => {
      const connection = {
        name: name.trim(),
        host: host.trim(),
        username: username.trim(),
        database: database.trim(),
        sslmode,
        ...(port.trim() === '' ? {} : { port: Number(port) }),
        ...(password === '' ? {} : { password }),
      };
      // One that was taken away is told to a data source that had it.
      const zone = hasSchemas(type) || timezone.trim() === '' ? null : timezone.trim();
      const kept =
        saved === null
          ? await call('createDataSource', {
              body: { ...connection, type, ...(zone === null ? {} : { timezone: zone }) },
            })
          : await call('updateDataSource', {
              params: { ref: saved },
              body: hasSchemas(type) ? connection : { ...connection, timezone: zone },
            });
      setSaved(kept.name);
      await queries.invalidateQueries();
      return call('testDataSource', { params: { ref: kept.name } });
    },
  });
  const missing = [name, host, username, database].some((text) => text.trim() === '');
  const done = save.isSuccess;
  return (
    <Dialog
      title={source === null ? 'Add a data source' : `Change ${source.name}`}
      confirm={
        done ? 'Check for change capture' : saved === null ? 'Save and connect' : 'Save and connect again'
      }
      busy={save.isPending}
      error={save.error}
      why={missing ? 'Name, host, account and database are needed' : null}
      onConfirm={() => {
        if (!done) save.mutate();
        else {
          onClose();
          navigate(`/data-sources/${encodeURIComponent(saved ?? name)}`);
        }
      }}
      onClose={onClose}
    >
      {done && (
        <Notice tone="good" title={`It answers in ${duration(save.data.latencyMs)}`}>
          <p className="muted">{save.data.version}</p>
        </Notice>
      )}
      {save.isError && saved !== null && (
        <p className="muted">The data source is saved as {saved}. Mend it here, and connect again.</p>
      )}
      <div className="fields">
        <SelectField
          label="Kind"
          value={type}
          disabled={saved !== null}
          onText={(text) => setType(text as DsTypeWord)}
          options={Object.entries(KINDS).map(([word, kind]) => [word, kind.text] as const)}
        />
        <TextField label="Name" value={name} onText={setName} placeholder="shop" autoComplete="off" />
        <TextField label="Host" value={host} onText={setHost} placeholder="db.example.com" />
        <TextField
          label="Port"
          value={port}
          inputMode="numeric"
          placeholder={String(KINDS[type]?.port ?? '')}
          onText={setPort}
        />
        <TextField label="Account" value={username} onText={setUsername} autoComplete="off" />
        <TextField
          label="Password"
          type="password"
          value={password}
          autoComplete="new-password"
          placeholder={source?.hasPassword === true ? 'as it is' : ''}
          onText={setPassword}
        />
        <TextField label="Database" value={database} onText={setDatabase} hint="The one to connect to" />
        {!hasSchemas(type) && (
          <TextField
            label="Time zone"
            value={timezone}
            onText={setTimezone}
            placeholder="+08:00 or Asia/Shanghai"
            hint="That the server is meant to run in; the check compares. It may stay empty"
          />
        )}
        <SelectField
          label="Encryption"
          value={sslmode}
          onText={(text) => setSslmode(text as typeof sslmode)}
          options={[
            ['disable', 'none'],
            ['require', 'encrypted, the server is not verified'],
            ['verify-full', 'encrypted and verified'],
          ]}
        />
      </div>
    </Dialog>
  );
}
