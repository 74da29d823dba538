import type { AlertChannel, ChannelKind, CreateAlertChannel, UpdateAlertChannel } from '@sluice/contract';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Dialog } from '../design/dialog.tsx';
import { SelectField, TextField } from '../design/field.tsx';
import { CHANNELS } from './kinds.ts';

const SECURITIES = [
  ['starttls', 'STARTTLS, or nothing is sent'],
  ['tls', 'TLS from the beginning'],
  ['none', 'none: in the clear'],
] as const;

/** Adds or changes a channel. What is secret goes to the server and never comes back; left empty it stays. */
export function ChannelDialog({ channel, onClose }: { channel: AlertChannel | null; onClose: () => void }) {
  const queries = useQueryClient();
  const [kind, setKind] = useState<ChannelKind>(channel?.kind ?? 'slack');
  const [fields, setFields] = useState({
    name: channel?.name ?? '',
    url: '',
    secret: '',
    host: '',
    port: '',
    security: channel === null ? 'starttls' : '',
    username: '',
    password: '',
    from: '',
    to: '',
  });
  const save = useMutation({
    mutationFn: async (): Promise<unknown> => {
      const given = Object.fromEntries(
        Object.entries(fields)
          .map(([key, value]) => [key, value.trim()] as const)
          .filter(([, value]) => value !== '')
          .map(([key, value]) => [
            key,
            key === 'port' ? Number(value) : key === 'to' ? value.split(',').map((one) => one.trim()) : value,
          ]),
      );
      if (channel !== null)
        return call('updateAlertChannel', {
          params: { ref: channel.name },
          body: given as UpdateAlertChannel,
        });
      // The encryption is a mail server's; the others have none to choose.
      const { security, ...rest } = given;
      const body = kind === 'email' ? { ...rest, security, kind } : { ...rest, kind };
      return call('createAlertChannel', { body: body as CreateAlertChannel });
    },
    onSuccess: async () => {
      await queries.invalidateQueries();
      onClose();
    },
  });
  const kept = channel === null ? '' : 'as it is';
  const needed: readonly (keyof typeof fields)[] =
    channel !== null ? ['name'] : kind === 'email' ? ['name', 'host', 'from', 'to'] : ['name', 'url'];
  const field = (
    key: keyof typeof fields,
    label: string,
    more: { placeholder?: string; hint?: string; type?: string } = {},
  ) => (
    <TextField
      label={label}
      value={fields[key]}
      autoComplete={more.type === 'password' ? 'new-password' : 'off'}
      onText={(value) => setFields({ ...fields, [key]: value })}
      {...more}
      placeholder={channel !== null && key !== 'name' ? kept : (more.placeholder ?? '')}
    />
  );
  return (
    <Dialog
      title={channel === null ? 'Add a channel' : `Change ${channel.name}`}
      confirm="Save"
      busy={save.isPending}
      error={save.error}
      why={needed.some((key) => fields[key].trim() === '') ? 'Something is missing' : null}
      onConfirm={() => save.mutate()}
      onClose={onClose}
    >
      <div className="fields">
        <SelectField
          label="Kind"
          value={kind}
          disabled={channel !== null}
          onText={(value) => setKind(value as ChannelKind)}
          options={Object.entries(CHANNELS).map(([one, { text }]) => [one, text] as const)}
        />
        {field('name', 'Name', { placeholder: 'ops' })}
      </div>
      {kind === 'email' ? (
        <div className="fields">
          {field('host', 'Mail server', { placeholder: 'smtp.example.com' })}
          {field('port', 'Port', { placeholder: '587' })}
          <SelectField
            label="Encryption"
            value={fields.security}
            onText={(security) => setFields({ ...fields, security })}
            options={channel === null ? SECURITIES : [['', 'as it is'], ...SECURITIES]}
          />
          {field('username', 'Account', { placeholder: 'none' })}
          {field('password', 'Password', { type: 'password' })}
          {field('from', 'From', { placeholder: 'sluice@example.com' })}
          {field('to', 'To, parted by commas', { placeholder: 'ops@example.com' })}
        </div>
      ) : (
        <>
          {field('url', 'Address', {
            type: 'password',
            hint: 'Who has it may post there: it is kept like a password, and never shown again',
          })}
          {CHANNELS[kind].signs &&
            field('secret', 'Secret', {
              type: 'password',
              hint: 'Signs the messages, where the other side checks that',
            })}
        </>
      )}
    </Dialog>
  );
}
