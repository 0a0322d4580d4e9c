import { join, resolve } from 'node:path';
import type { CliProcess } from '../process-env.ts';

/** What is kept of a context apart from its line in `contexts.json`. */
export type EntryKind = 'session' | 'bearer' | 'key';

/** Where the command line keeps what it knows as a client of some Keyward. */
export interface ClientPlaces {
  /** `~/.keyward/client`, or KEYWARD_CLIENT_DIR; 0700. */
  readonly folder: string;
  readonly contexts: string;
  /** Taken to change `contexts.json`. */
  readonly contextsLock: string;
  readonly tokens: string;
  /** Of each login: its lock, and what is remembered of its refreshes. */
  readonly state: string;
}

export function clientPlaces({ env, home }: Pick<CliProcess, 'env' | 'home'>): ClientPlaces {
  const named = env['KEYWARD_CLIENT_DIR']?.trim() ?? '';
  // Never below the working directory: that may be a repository of somebody else's.
  const folder = named === '' ? join(home, '.keyward', 'client') : resolve(home, named);
  return { folder, contexts: join(folder, 'contexts.json'), contextsLock: join(folder, 'contexts.lock'), tokens: join(folder, 'tokens'), state: join(folder, 'state') };
}

/** `context` is a name that `isContextName` takes. */
export function entryPath(places: ClientPlaces, context: string, kind: EntryKind): string {
  return join(places.tokens, `${context}.${kind}.json`);
}
