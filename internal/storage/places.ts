import { join } from 'node:path';

/** What storage keeps below `data-dir`. */
export interface StoragePlaces {
  /** In a folder of its own: the config is often in `data-dir` itself, whose watch should not see every write. */
  readonly database: string;
  /** Apart from the database: who can change that one alone cannot sign (ADR 0016). */
  readonly auditKey: string;
  readonly auditCheckpoint: string;
  /** Apart from the database: who has that one alone can sign no token. */
  readonly identityKey: string;
}

export function storagePlaces(dataDir: string): StoragePlaces {
  return { database: join(dataDir, 'state', 'keyward.db'), auditKey: join(dataDir, 'audit.key'), auditCheckpoint: join(dataDir, 'audit.checkpoint'), identityKey: join(dataDir, 'identity.key') };
}
