import { type ReactNode, useEffect, useRef } from 'react';
import { Button } from './button.tsx';
import { ErrorNotice } from './notice.tsx';

/** The browser's own modal: it keeps the focus, and Escape closes it. */
export function Dialog({
  title,
  confirm,
  danger = false,
  busy = false,
  error,
  why,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  confirm: string;
  danger?: boolean;
  busy?: boolean;
  error?: unknown;
  why?: string | null;
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-label={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (why === null || why === undefined) onConfirm();
        }}
      >
        <h2>{title}</h2>
        {children}
        <ErrorNotice error={error} />
        <footer>
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" look={danger ? 'danger' : 'primary'} disabled={busy} why={why}>
            {busy ? 'Working …' : confirm}
          </Button>
        </footer>
      </form>
    </dialog>
  );
}
