import { checkSeal, seal, chainStart, type ChainKey, type ChainPlace, type Seal } from '../audit/chain.ts';
import { toRow, type AuditRow } from '../audit/row.ts';
import type { AuditStore } from '../audit/store.ts';
import type { SealState } from '../audit/verify.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import { createCheckpointFile, makeKeyFile, readCheckpointFile, readKeyFile } from './audit-files.ts';
import type { StoragePlaces } from './places.ts';
import type { AuditTables } from './sqlite/audit-tables.ts';

export interface OpenAuditDeps {
  readonly tables: AuditTables;
  readonly places: StoragePlaces;
  readonly uid: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The audit store with its key. A first start makes the key; a chain that is there is only ever continued with its own.
 * What is found damaged on the way is logged, and put on record in the chain itself. Throws `storage_unavailable` with
 * a sentence that names the file and what to do, where the chain cannot be continued.
 */
export async function openAudit(deps: OpenAuditDeps): Promise<AuditStore> {
  const { tables, places, clock, log } = deps;
  const stored = tables.checkpoint();
  const beside = readCheckpointFile(places.auditCheckpoint, deps.uid);
  const file = createCheckpointFile(places.auditCheckpoint, log);
  const key = await findKey(deps, stored, beside);
  const damages = findDamages(key, stored, beside, tables.newestId());
  const isFirst = stored === undefined && beside.kind === 'missing' && damages.length === 0;
  if (isFirst) {
    // Before the first row: from now on a missing file is never what a crash left.
    file.write(seal(key, 'checkpoint', chainStart, clock.nowMs()));
    await file.settle();
  }
  const head = newestPlace(key, [stored, beside.kind === 'present' ? beside.seal : undefined]);
  const store = tables.open({ key, clock, head, onSealed: file.write, close: file.settle });
  for (const { target, code, after } of damages) log.error({ target, code, ...after }, 'the audit was changed from outside, or rows were lost; `keyward audit verify` tells more');
  store.append(damages.map((damage) => record(clock, damage)));
  return store;
}

async function findKey({ tables, places, uid }: OpenAuditDeps, stored: Seal | undefined, beside: SealState): Promise<ChainKey> {
  const read = readKeyFile(places.auditKey, uid);
  if (!read.ok) throw new AppError('storage_unavailable', { message: `${read.error}. ${instead(places)}` });
  const hasChain = stored !== undefined || beside.kind !== 'missing' || tables.newestId() > 0;
  if (read.value === undefined) {
    if (hasChain) throw new AppError('storage_unavailable', { message: `the audit key ${places.auditKey} is missing, and there is an audit chain that was made with it: put it back from a backup. ${instead(places)}` });
    const made = await makeKeyFile(places.auditKey);
    if (!made.ok) throw new AppError('storage_unavailable', { message: made.error });
    return made.value;
  }
  const { id } = read.value;
  const seals = [stored, beside.kind === 'present' ? beside.seal : undefined].flatMap((found) => (found === undefined ? [] : [found]));
  const [found] = seals;
  // One that is ours proves the key; another beside it is damage.
  if (found !== undefined && seals.every(({ keyId }) => keyId !== id)) {
    throw new AppError('storage_unavailable', { message: `the audit key ${places.auditKey} (${id}) is not the one that the audit chain was made with (${found.keyId.slice(0, 12)}): put that one back from a backup. ${instead(places)}` });
  }
  return read.value;
}

function instead({ database, auditCheckpoint, auditKey }: StoragePlaces): string {
  return `Where it is lost, \`keyward audit restart\` has the chain go on with a new key; or move ${database}, ${auditCheckpoint} and ${auditKey} (those that are there) into a folder to keep.`;
}

interface Damage {
  readonly target: string;
  readonly code: string;
  readonly after?: Readonly<Record<string, unknown>>;
}

function findDamages(key: ChainKey, stored: Seal | undefined, beside: SealState, newestId: number): readonly Damage[] {
  const damages: Damage[] = [];
  const storedFault = stored === undefined ? undefined : checkSeal(key, 'checkpoint', stored);
  if (stored === undefined && newestId > 0) damages.push({ target: 'database', code: 'checkpoint_missing' });
  if (storedFault !== undefined) damages.push({ target: 'database', code: `checkpoint_${storedFault}` });
  if (beside.kind !== 'present') {
    if (beside.kind === 'unreadable' || stored !== undefined || newestId > 0) damages.push({ target: 'audit.checkpoint', code: `checkpoint_${beside.kind}` });
    return damages;
  }
  const fault = checkSeal(key, 'checkpoint', beside.seal);
  if (fault !== undefined) damages.push({ target: 'audit.checkpoint', code: `checkpoint_${fault}` });
  else if (beside.seal.id > newestId && beside.seal.id > (storedFault === undefined ? (stored?.id ?? 0) : 0)) {
    damages.push({ target: 'database', code: 'rows_missing', after: { from_id: Math.max(newestId, storedFault === undefined ? (stored?.id ?? 0) : 0) + 1, to_id: beside.seal.id } });
  } else if (stored !== undefined && storedFault === undefined && newestId < stored.id && newestId > 0) damages.push({ target: 'database', code: 'rows_missing', after: { from_id: newestId + 1, to_id: stored.id } });
  return damages;
}

function newestPlace(key: ChainKey, seals: readonly (Seal | undefined)[]): ChainPlace {
  return seals.reduce<ChainPlace>((best, found) => (found !== undefined && found.id > best.id && checkSeal(key, 'checkpoint', found) === undefined ? found : best), chainStart);
}

function record(clock: Clock, { target, code, after }: Damage): AuditRow {
  return toRow({ atMs: clock.nowMs(), action: 'audit.damaged', actor: 'keyward', from: 'daemon', requestId: '', target, code, ...(after === undefined ? {} : { after }) });
}
