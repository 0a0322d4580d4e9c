import type { Result } from '../../fault/result.ts';
import type { ManagedKey } from './managed-key.ts';

/**
 * The managed keys of a data-dir, with a daemon running on it or not, newest first and the first 10,000 of them; opened for
 * reading only. Empty where no daemon has run yet. The error is a sentence for a person.
 */
export type ReadManagedKeys = (dataDir: string) => Result<readonly ManagedKey[], string>;
