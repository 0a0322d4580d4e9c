import type { AuditTrouble, OpenAuditArchive } from '../../audit/archive.ts';
import type { Finding } from './report.ts';

/** What is wrong with the key of the audit and with its signed places. The rows are for `keyward audit verify`, which takes longer. */
export function examineAudit(open: OpenAuditArchive, dataDir: string, uid: number | undefined): readonly Finding[] {
  const archive = open(dataDir, uid);
  // No database, or one of before: there is no chain yet.
  if (!archive.ok) return [];
  try {
    return archive.value.look().map(describe);
  } finally {
    archive.value.close();
  }
}

function describe({ isInTheWay, sentence }: AuditTrouble): Finding {
  const message = `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}.`;
  return isInTheWay
    ? { level: 'error', code: 'audit-key', message, fix: 'Put the right key back from a backup; where it is lost, `keyward audit restart` has the chain go on with a new one.' }
    : { level: 'warning', code: 'audit-seal', message, fix: '`keyward audit verify` tells more.' };
}
