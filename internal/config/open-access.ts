import type { LoadedConfig } from './loaded.ts';
import type { ConfigProblem } from './problem.ts';

/** Callers need a credential, as far as the config tells: it has client keys, or the latch. */
function isClosed(loaded: LoadedConfig): boolean {
  return loaded.config['api-keys'].length > 0 || loaded.config['client-auth'] === 'required';
}

/** The change lets callers in without a key who needed one before. */
export function opensAccess(next: LoadedConfig, previous: LoadedConfig): boolean {
  return isClosed(previous) && !isClosed(next);
}

/** Why a reload that opens access is refused: only an explicit `api-keys: []` says that it is meant (security rule 2). */
export function describeSilentOpening(next: LoadedConfig, previous: LoadedConfig): ConfigProblem | undefined {
  if (!opensAccess(next, previous) || next.apiKeysExplicitlyEmpty) return undefined;
  return { severity: 'error', path: 'api-keys', message: 'is gone, which would let every caller in; write `api-keys: []` if open access is meant' };
}
