import { randomUUID } from 'node:crypto';

const keptPattern = /^[\w-]{1,64}$/;

/** The exchange's id: the client's `x-request-id` where it is short and plain, else a new one (security rule 17). */
export function chooseRequestId(presented: string | readonly string[] | undefined): string {
  return typeof presented === 'string' && keptPattern.test(presented) ? presented : `req_${randomUUID()}`;
}
