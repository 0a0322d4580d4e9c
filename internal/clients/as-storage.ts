import { AppError } from '../fault/app-error.ts';

/** What the store throws, as callers are told of it. Errors: `storage_unavailable`. */
export function asStorage<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new AppError('storage_unavailable', { message: 'The key store cannot be used right now; nothing was changed.', headers: { 'retry-after': '1' }, cause });
  }
}
