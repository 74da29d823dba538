import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './design/tokens.css';
import './design/base.css';
import './design/components.css';
import './shell/shell.css';
import { ApiError } from './api/calls.ts';
import { useToken } from './api/session.ts';
import { Shell } from './shell/shell.tsx';
import { SignIn } from './shell/sign-in.tsx';
import { applyTheme } from './shell/theme.ts';

applyTheme();
const queries = new QueryClient({
  queryCache: new QueryCache(),
  defaultOptions: {
    queries: {
      // What the server refuses it refuses again.
      retry: (failures, error) => !(error instanceof ApiError) && failures < 2,
      staleTime: 2000,
    },
  },
});

function Studio() {
  const token = useToken();
  return token === null ? <SignIn /> : <Shell key={token} />;
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Studio />
    </QueryClientProvider>
  </StrictMode>,
);
