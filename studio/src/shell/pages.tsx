import { lazy, type ReactNode } from 'react';
import { AlertsPage } from '../alerts/alerts-page.tsx';
import { DataSourcePage } from '../data-sources/data-source-page.tsx';
import { DataSourcesPage } from '../data-sources/data-sources-page.tsx';
import { Empty } from '../design/notice.tsx';
import { ConnectPage } from '../lakehouse/connect-page.tsx';
import { LakeTablePage } from '../lakehouse/lake-table-page.tsx';
import { LakehousePage } from '../lakehouse/lakehouse-page.tsx';
import { OverviewPage } from '../overview/overview-page.tsx';
import { Link, match } from '../routing/location.tsx';
import { TaskPage } from '../tasks/task-page.tsx';
import { TasksPage } from '../tasks/tasks-page.tsx';

/** The editor is larger than all the rest: it comes when somebody wants it. */
const SqlPage = lazy(() => import('../sql/sql-page.tsx'));
/** So does the wizard, with the table of parameters. */
const NewSyncPage = lazy(() => import('../new-sync/new-sync-page.tsx'));
const EditPage = lazy(() => import('../new-sync/edit-page.tsx'));

interface Page {
  readonly title: string;
  readonly element: ReactNode;
}

const PAGES: readonly (readonly [string, (parts: readonly string[]) => Page])[] = [
  ['/', () => ({ title: 'Overview', element: <OverviewPage /> })],
  ['/tasks', () => ({ title: 'Tasks', element: <TasksPage /> })],
  ['/tasks/:ref', ([ref = '']) => ({ title: ref, element: <TaskPage key={ref} name={ref} /> })],
  [
    '/tasks/:ref/configure',
    ([ref = '']) => ({ title: `Configure ${ref}`, element: <EditPage key={ref} name={ref} /> }),
  ],
  ['/new-sync', () => ({ title: 'New sync', element: <NewSyncPage /> })],
  ['/data-sources', () => ({ title: 'Data sources', element: <DataSourcesPage /> })],
  ['/data-sources/:ref', ([ref = '']) => ({ title: ref, element: <DataSourcePage key={ref} name={ref} /> })],
  ['/lakehouse', () => ({ title: 'Lakehouse', element: <LakehousePage /> })],
  ['/lakehouse/connect', () => ({ title: 'Connect an engine', element: <ConnectPage /> })],
  [
    '/lakehouse/:schema/:table',
    ([schema = '', table = '']) => ({
      title: `${schema}.${table}`,
      element: <LakeTablePage key={`${schema}.${table}`} schema={schema} table={table} />,
    }),
  ],
  ['/alerts', () => ({ title: 'Alerts', element: <AlertsPage /> })],
  ['/sql', () => ({ title: 'SQL', element: <SqlPage /> })],
];

export function pageOf(path: string): Page | null {
  for (const [pattern, page] of PAGES) {
    const parts = match(pattern, path);
    if (parts !== null) return page(parts);
  }
  return null;
}

export function NotFound() {
  return (
    <Empty title="There is no such page">
      <Link to="/">To the overview</Link>
    </Empty>
  );
}
