import { checkSeal, chainStart, isSame, isSigned, type ChainedRow, type ChainKey, type ChainPlace, type Seal, type SealFault } from './chain.ts';
import { findMoved } from './moved-rows.ts';
import { createFindings, type AuditFinding } from './findings.ts';

/** `present` with its seal, or why there is none. */
export type SealState = { readonly kind: 'present'; readonly seal: Seal } | { readonly kind: 'missing' | 'unreadable' };

export interface VerifyInput {
  readonly key: ChainKey;
  /** What retention left; absent while it has removed nothing. */
  readonly cut: Seal | undefined;
  /** Where another key was lost; absent while the chain has one key. */
  readonly restart?: Seal | undefined;
  /** In the database. */
  readonly checkpoint: SealState;
  /** `audit.checkpoint`, read before the rows: rows may be added meanwhile. */
  readonly checkpointFile: SealState;
}

export interface AuditReport {
  readonly intact: boolean;
  readonly keyId: string;
  /** Rows looked at. */
  readonly rows: number;
  readonly firstId: number | undefined;
  readonly lastId: number | undefined;
  /** The newest row that retention removed; 0 for none. */
  readonly cutId: number;
  /** The newest row that a checkpoint vouches for; 0 for none. */
  readonly checkpointId: number;
  readonly findings: readonly AuditFinding[];
  /** Findings beyond the ones that are listed. */
  readonly omitted: number;
}

/** Takes rows by rising id, as they are stored, and tells at the end. Holds one row, and those that were found faulty. */
export interface Verifier {
  readonly take: (row: ChainedRow) => void;
  readonly end: () => AuditReport;
}

/** Rows that could be another's, compared with one another at the end. */
const maxSuspects = 256;

/**
 * Walks a chain. A row whose text is not what was signed is `edited`, `moved` when it was signed as another row, `inserted`
 * where the chain has no place for it; ids that are not there are `missing`, up to the newest checkpoint; a row that
 * was signed behind another predecessor is `relinked`.
 */
export function createVerifier(input: VerifyInput): Verifier {
  const { key } = input;
  const findings = createFindings();
  const suspects: ChainedRow[] = [];
  const gaps: { readonly fromId: number; readonly toId: number }[] = [];

  const cutFault = input.cut === undefined ? undefined : checkSeal(key, 'cut', input.cut);
  if (cutFault !== undefined) findings.add({ kind: 'seal', seal: 'cut', fault: cutFault });
  const start: ChainPlace = input.cut !== undefined && cutFault === undefined ? input.cut : chainStart;
  const restartFault = input.restart === undefined ? undefined : checkSeal(key, 'restart', input.restart);
  if (restartFault !== undefined) findings.add({ kind: 'seal', seal: 'restart', fault: restartFault });
  // Once retention has removed all rows of before, nothing is left to tell of.
  const restart = restartFault === undefined && input.restart !== undefined && input.restart.id > start.id ? input.restart : undefined;
  if (restart !== undefined) findings.add({ kind: 'restarted', id: restart.id + 1, fromId: start.id + 1, atMs: restart.atMs });
  const checkpoint = trusted(key, input.checkpoint, 'checkpoint', findings.add);
  const inFile = trusted(key, input.checkpointFile, 'checkpoint_file', findings.add);
  const endId = Math.max(checkpoint?.id ?? 0, inFile?.id ?? 0);

  let rows = 0;
  let firstId: number | undefined;
  let last: ChainPlace = start;
  /** The predecessor is known and sound, so the link to it can be judged. */
  let isLinkKnown = input.cut === undefined || cutFault === undefined;
  let isBehind = false;

  const vouched = (place: Seal | undefined, { id, mac }: ChainPlace): boolean => place === undefined || place.id !== id || isSame(place.mac, mac);

  /** What retention cut off last may be where a checkpoint stood. */
  if (input.cut !== undefined && cutFault === undefined && !vouched(checkpoint, start)) findings.add({ kind: 'seal', seal: 'checkpoint', fault: 'forged' });

  const leap = (toId: number): void => {
    const gap = { fromId: last.id + 1, toId };
    gaps.push(gap);
    findings.add({ kind: 'missing', ...gap });
  };

  return {
    take: (chained) => {
      const { id, row, previous } = chained;
      rows += 1;
      if (id <= last.id) {
        findings.add({ kind: 'inserted', id, atMs: row.atMs, action: row.action });
        return;
      }
      firstId ??= id;
      if (id > last.id + 1) {
        if (rows > 1 || isLinkKnown) leap(id - 1);
        isLinkKnown = false;
      }
      const named = { id, atMs: row.atMs, action: row.action };
      if (restart !== undefined && id <= restart.id) {
        if (id === restart.id && !isSame(chained.mac, restart.mac)) findings.add({ kind: 'edited', ...named });
        isLinkKnown = id === restart.id;
        last = isLinkKnown ? restart : chained;
        return;
      }
      const isSound = isSigned(key, chained);
      if (!isSound) {
        findings.add({ kind: id > endId ? 'inserted' : 'edited', ...named });
        if (suspects.length < maxSuspects) suspects.push(chained);
      } else if ((isLinkKnown && !isSame(previous, last.mac)) || !vouched(checkpoint, chained) || !vouched(inFile, chained)) findings.add({ kind: 'relinked', ...named });
      isBehind ||= isSound && checkpoint !== undefined && id > checkpoint.id;
      isLinkKnown = isSound;
      last = chained;
    },
    end: () => {
      if (last.id < endId) leap(endId);
      if (isBehind) findings.add({ kind: 'seal', seal: 'checkpoint', fault: 'behind' });
      findMoved(key, suspects, gaps).forEach(findings.nameMoved);
      const { list, omitted } = findings.all();
      return { intact: list.length === 0, keyId: key.id, rows, firstId, lastId: rows === 0 ? undefined : last.id, cutId: start.id, checkpointId: endId, findings: list, omitted };
    },
  };
}

function trusted(key: ChainKey, state: SealState, name: 'checkpoint' | 'checkpoint_file', add: (finding: AuditFinding) => void): Seal | undefined {
  if (state.kind !== 'present') {
    add({ kind: 'seal', seal: name, fault: state.kind });
    return undefined;
  }
  const fault: SealFault | undefined = checkSeal(key, 'checkpoint', state.seal);
  if (fault === undefined) return state.seal;
  add({ kind: 'seal', seal: name, fault });
  return undefined;
}

/** All seals there are were made with another key: then nothing can be said of the rows. */
export function isOfAnotherKey({ key, cut, checkpoint, checkpointFile }: VerifyInput): boolean {
  const seals = [cut, checkpoint.kind === 'present' ? checkpoint.seal : undefined, checkpointFile.kind === 'present' ? checkpointFile.seal : undefined].flatMap((found) => (found === undefined ? [] : [found]));
  return seals.length > 0 && seals.every(({ keyId }) => keyId !== key.id);
}
