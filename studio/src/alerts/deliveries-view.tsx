import type { AlertDelivery } from '@sluice/contract';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Badge, type Tone } from '../design/badge.tsx';
import { Empty, ErrorNotice } from '../design/notice.tsx';
import { count } from '../format/numbers.ts';
import { When } from '../format/time.tsx';
import { REFRESH_MS } from './alerts-page.tsx';

const LOOKS: Readonly<Record<AlertDelivery['state'], readonly [Tone, string]>> = {
  sent: ['good', 'sent'],
  waiting: ['warn', 'waits'],
  failed: ['bad', 'failed'],
};

export function DeliveriesView() {
  const deliveries = useQuery({
    queryKey: ['alert-deliveries'],
    queryFn: ({ signal }) => call('listAlertDeliveries', { query: { limit: 200 }, signal }),
    refetchInterval: REFRESH_MS,
  });
  if (deliveries.data === undefined) return <ErrorNotice error={deliveries.error} />;
  if (deliveries.data.length === 0)
    return (
      <div className="card">
        <Empty title="Nothing was sent yet">
          <p>
            Each message to a channel is listed here, with how often it was tried and what the other side
            said.
          </p>
        </Empty>
      </div>
    );
  return (
    <section className="card scroll" aria-label="Deliveries">
      <table className="list">
        <thead>
          <tr>
            <th>When</th>
            <th>Channel</th>
            <th>Message</th>
            <th>State</th>
            <th className="right">Tries</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.data.map((delivery) => {
            const [tone, text] = LOOKS[delivery.state];
            return (
              <tr key={delivery.id} className="top">
                <td>
                  <When time={delivery.createdAt} />
                </td>
                <td>{delivery.channel}</td>
                <td>
                  {delivery.title}
                  {delivery.error !== null && <div className="small muted">{delivery.error}</div>}
                </td>
                <td>
                  <Badge tone={tone}>{text}</Badge>
                  {delivery.state === 'waiting' && delivery.nextTryAt !== null && (
                    <div className="small muted">
                      again at <When time={delivery.nextTryAt} />
                    </div>
                  )}
                </td>
                <td className="right number">{count(delivery.tries)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
