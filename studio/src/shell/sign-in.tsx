import { type FormEvent, useState } from 'react';
import { PREFIX } from '../api/calls.ts';
import { signIn } from '../api/session.ts';
import { Button } from '../design/button.tsx';
import { TextField } from '../design/field.tsx';
import { Notice } from '../design/notice.tsx';

export function SignIn() {
  const [token, setToken] = useState('');
  const [keep, setKeep] = useState(false);
  const [refused, setRefused] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    // Not yet the session's: a wrong token must not become one.
    const answer = await fetch(`${PREFIX}/status`, {
      headers: { authorization: `Bearer ${token.trim()}` },
    }).catch(() => null);
    setBusy(false);
    if (answer?.ok) signIn(token.trim(), keep);
    else
      setRefused(answer === null ? 'The server does not answer.' : 'This is not the token of this server.');
  };
  return (
    <main className="signin">
      <form className="card" onSubmit={(event) => void submit(event)}>
        <div className="brand">
          <img src="/favicon.svg" alt="" />
          <h1>Sluice Studio</h1>
        </div>
        {refused !== null && <Notice tone="bad" title={refused} />}
        <TextField
          label="Token"
          type="password"
          autoComplete="current-password"
          required
          value={token}
          onText={setToken}
          hint={
            <>
              It stands in the file <code>token</code> of the server's data folder.
            </>
          }
        />
        <label className="row">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.target.checked)} />
          Stay signed in on this browser
        </label>
        <Button type="submit" look="primary" disabled={busy || token.trim() === ''}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
