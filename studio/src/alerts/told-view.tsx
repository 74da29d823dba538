import type { AlertChannel, AlertPolicy } from '@sluice/contract';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/calls.ts';
import { Badge } from '../design/badge.tsx';
import { Button } from '../design/button.tsx';
import { Empty, ErrorNotice, Notice } from '../design/notice.tsx';
import { period } from '../format/numbers.ts';
import { ChannelDialog } from './channel-dialog.tsx';
import { DeleteDialog } from './delete-dialog.tsx';
import { CHANNELS } from './kinds.ts';
import { PolicyDialog } from './policy-dialog.tsx';

type Asked =
  | { readonly what: 'channel'; readonly of: AlertChannel | null }
  | { readonly what: 'policy'; readonly of: AlertPolicy | null }
  | { readonly what: 'delete-channel'; readonly name: string }
  | { readonly what: 'delete-policy'; readonly name: string };

/** Channels, where messages go, and policies, which join rules to channels. */
export function ToldView() {
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  const channels = useQuery({
    queryKey: ['alert-channels'],
    queryFn: ({ signal }) => call('listAlertChannels', { signal }),
  });
  const policies = useQuery({
    queryKey: ['alert-policies'],
    queryFn: ({ signal }) => call('listAlertPolicies', { signal }),
  });
  if (channels.data === undefined || policies.data === undefined)
    return <ErrorNotice error={channels.error ?? policies.error} />;
  return (
    <>
      <section className="card" aria-label="Channels">
        <header>
          <h2>Channels</h2>
          <Button
            look={channels.data.length === 0 ? 'primary' : 'plain'}
            onClick={() => setAsked({ what: 'channel', of: null })}
          >
            Add a channel
          </Button>
        </header>
        {channels.data.length === 0 ? (
          <Empty title="Nobody can be told yet">
            <p>
              A channel is where messages go: a room of Slack, Feishu, WeCom or DingTalk, a program behind a
              webhook, or mail addresses.
            </p>
          </Empty>
        ) : (
          <Channels channels={channels.data} onAsk={setAsked} />
        )}
      </section>
      <section className="card" aria-label="Policies">
        <header>
          <h2>Policies</h2>
          <Button
            look={channels.data.length > 0 && policies.data.length === 0 ? 'primary' : 'plain'}
            why={channels.data.length === 0 ? 'Add a channel first' : null}
            onClick={() => setAsked({ what: 'policy', of: null })}
          >
            Add a policy
          </Button>
        </header>
        {policies.data.length === 0 ? (
          <Empty title="No policy yet">
            <p>
              A policy says which channels a rule's alerts go to, and how often one that lasts is repeated.
            </p>
          </Empty>
        ) : (
          <div className="scroll">
            <table className="list">
              <thead>
                <tr>
                  <th>Policy</th>
                  <th>Channels</th>
                  <th>Repeats</th>
                  <th title="How long the first alert waits for others of its kind">Gathers</th>
                  <th>
                    <span className="unseen">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {policies.data.map((policy) => (
                  <tr key={policy.id}>
                    <td>{policy.name}</td>
                    <td>{policy.channels.join(', ')}</td>
                    <td>
                      {policy.repeatSeconds === null ? 'never' : `every ${period(policy.repeatSeconds)}`}
                    </td>
                    <td>{period(policy.groupSeconds)}</td>
                    <td className="right number">
                      <Button
                        small
                        look="quiet"
                        aria-label={`Change ${policy.name}`}
                        onClick={() => setAsked({ what: 'policy', of: policy })}
                      >
                        Change
                      </Button>
                      <Button
                        small
                        look="quiet"
                        aria-label={`Delete ${policy.name}`}
                        onClick={() => setAsked({ what: 'delete-policy', name: policy.name })}
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
      {asked?.what === 'channel' && <ChannelDialog channel={asked.of} onClose={close} />}
      {asked?.what === 'policy' && (
        <PolicyDialog policy={asked.of} channels={channels.data} onClose={close} />
      )}
      {asked?.what === 'delete-channel' && (
        <DeleteDialog
          name={asked.name}
          remove={() => call('deleteAlertChannel', { params: { ref: asked.name } })}
          onClose={close}
        >
          <p>Its address and its secret are forgotten. While a policy uses it, it is not deleted.</p>
        </DeleteDialog>
      )}
      {asked?.what === 'delete-policy' && (
        <DeleteDialog
          name={asked.name}
          remove={() => call('deleteAlertPolicy', { params: { ref: asked.name } })}
          onClose={close}
        >
          <p>While a rule uses it, it is not deleted.</p>
        </DeleteDialog>
      )}
    </>
  );
}

function Channels({ channels, onAsk }: { channels: readonly AlertChannel[]; onAsk: (asked: Asked) => void }) {
  const queries = useQueryClient();
  const test = useMutation({
    mutationFn: (name: string) => call('testAlertChannel', { params: { ref: name } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['alert-deliveries'] }),
  });
  return (
    <>
      {test.isError && <ErrorNotice error={test.error} />}
      {test.isSuccess && (
        <Notice
          tone={test.data.delivered ? 'good' : 'bad'}
          title={
            test.data.delivered
              ? `${test.variables} took the test message`
              : `${test.variables} did not take the test message`
          }
        >
          {test.data.error !== null && <p className="muted">{test.data.error}</p>}
        </Notice>
      )}
      <div className="scroll">
        <table className="list">
          <thead>
            <tr>
              <th>Channel</th>
              <th>Kind</th>
              <th title="Of an address that lets its bearer post, only the host is shown">Goes to</th>
              <th>Signed</th>
              <th>
                <span className="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {channels.map((channel) => (
              <tr key={channel.id}>
                <td>{channel.name}</td>
                <td>{CHANNELS[channel.kind].text}</td>
                <td className="mono">{channel.target}</td>
                <td>
                  {channel.signed ? (
                    <Badge tone="good">with a secret</Badge>
                  ) : (
                    <span className="muted">no</span>
                  )}
                </td>
                <td className="right number">
                  <Button
                    small
                    disabled={test.isPending}
                    aria-label={`Send a test to ${channel.name}`}
                    onClick={() => test.mutate(channel.name)}
                  >
                    {test.isPending && test.variables === channel.name ? 'Sending …' : 'Send a test'}
                  </Button>{' '}
                  <Button
                    small
                    look="quiet"
                    aria-label={`Change ${channel.name}`}
                    onClick={() => onAsk({ what: 'channel', of: channel })}
                  >
                    Change
                  </Button>
                  <Button
                    small
                    look="quiet"
                    aria-label={`Delete ${channel.name}`}
                    onClick={() => onAsk({ what: 'delete-channel', name: channel.name })}
                  >
                    Delete
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
