import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Dialog } from '../design/dialog.tsx';

/** Asks before something of the alerts is deleted, and says what the server answers where it is still used. */
export function DeleteDialog({
  name,
  remove,
  onClose,
  children,
}: {
  name: string;
  remove: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: remove,
    onSuccess: async () => {
      await queries.invalidateQueries();
      onClose();
    },
  });
  return (
    <Dialog
      title={`Delete ${name}`}
      confirm="Delete"
      danger
      busy={act.isPending}
      error={act.error}
      onConfirm={() => act.mutate()}
      onClose={onClose}
    >
      {children}
    </Dialog>
  );
}
