import type { VERIFICATION_API } from '@sluice/contract';
import type { Control } from '../control/context.ts';
import type { Verifications } from '../control/verifications.ts';
import { within } from '../model/deadline.ts';
import type { Handlers } from './handlers.ts';

export type VerificationRoute = keyof typeof VERIFICATION_API;

export function verificationHandlers(
  control: Control,
  verifications: Verifications,
): Handlers<VerificationRoute> {
  return {
    startVerification: ({ params, body }) => verifications.start(control, params.ref, body.tables),
    listVerifications: ({ params }) => verifications.list(control, params.ref),
    getVerification: ({ params, query, signal }) =>
      verifications.get(control, params.id, within(signal, query.timeout * 1000)),
  };
}
