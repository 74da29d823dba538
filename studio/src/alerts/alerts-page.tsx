import { useQuery } from '@tanstack/react-query';
import { call } from '../api/calls.ts';
import { Tabs } from '../design/tabs.tsx';
import { useQueryValue } from '../routing/location.tsx';
import { PageHead } from '../shell/page-head.tsx';
import { DeliveriesView } from './deliveries-view.tsx';
import { FiringView } from './firing-view.tsx';
import { RulesView } from './rules-view.tsx';
import { ToldView } from './told-view.tsx';

/** The server looks every five seconds; nobody sees more by asking oftener. */
export const REFRESH_MS = 5000;

export function AlertsPage() {
  const [tab, setTab] = useQueryValue('tab', 'now');
  const firing = useQuery({
    queryKey: ['alerts', 'now'],
    queryFn: ({ signal }) => call('listAlerts', { query: {}, signal }),
    refetchInterval: REFRESH_MS,
  });
  const fires = firing.data?.filter(({ state }) => state !== 'cleared').length ?? 0;
  return (
    <>
      <PageHead title="Alerts" about="What is watched, who is told, and what was sent" />
      <Tabs
        label="Views of the alerts"
        tabs={[
          ['now', fires === 0 ? 'Firing' : `Firing ${fires}`],
          ['rules', 'Rules'],
          ['told', 'Who is told'],
          ['sent', 'Delivery log'],
        ]}
        current={tab}
        onChoose={setTab}
      />
      {tab === 'rules' ? (
        <RulesView />
      ) : tab === 'told' ? (
        <ToldView />
      ) : tab === 'sent' ? (
        <DeliveriesView />
      ) : (
        <FiringView onRules={() => setTab('rules')} />
      )}
    </>
  );
}
