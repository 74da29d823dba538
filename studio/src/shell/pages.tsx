import type { ReactNode } from 'react';
import { Empty } from '../design/notice.tsx';
import { OverviewPage } from '../overview/overview-page.tsx';
import { Link, match } from '../routing/location.tsx';
import { TaskPage } from '../tasks/task-page.tsx';
import { TasksPage } from '../tasks/tasks-page.tsx';

interface Page {
  readonly title: string;
  readonly element: ReactNode;
}

const PAGES: readonly (readonly [string, (parts: readonly string[]) => Page])[] = [
  ['/', () => ({ title: 'Overview', element: <OverviewPage /> })],
  ['/tasks', () => ({ title: 'Tasks', element: <TasksPage /> })],
  ['/tasks/:ref', ([ref = '']) => ({ title: ref, element: <TaskPage key={ref} name={ref} /> })],
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
