/** One thing that is not as the chain says. */
export type AuditFinding =
  | { readonly kind: 'edited' | 'inserted' | 'relinked'; readonly id: number; readonly atMs: number; readonly action: string }
  /** What stands at `id` was signed as row `wasId`. */
  | { readonly kind: 'moved'; readonly id: number; readonly wasId: number; readonly atMs: number; readonly action: string }
  | { readonly kind: 'missing'; readonly fromId: number; readonly toId: number }
  /** The chain goes on at `id` with another key; the rows from `fromId` to the one before it cannot be verified. */
  | { readonly kind: 'restarted'; readonly id: number; readonly fromId: number; readonly atMs: number }
  | { readonly kind: 'seal'; readonly seal: 'checkpoint' | 'checkpoint_file' | 'cut' | 'restart'; readonly fault: 'missing' | 'unreadable' | 'foreign' | 'forged' | 'behind' };

const maxFindings = 10_000;

interface Findings {
  readonly add: (finding: AuditFinding) => void;
  /** The row was named already; now it is known what it was. */
  readonly nameMoved: (moved: { readonly id: number; readonly wasId: number }) => void;
  readonly all: () => { readonly list: readonly AuditFinding[]; readonly omitted: number };
}

/** Bounded: what is beyond is counted. */
export function createFindings(): Findings {
  let list: AuditFinding[] = [];
  let omitted = 0;
  return {
    add: (finding) => {
      if (list.length < maxFindings) list.push(finding);
      else omitted += 1;
    },
    nameMoved: ({ id, wasId }) => {
      list = list.map((finding) => ((finding.kind === 'edited' || finding.kind === 'inserted') && finding.id === id ? { ...finding, kind: 'moved', wasId } : finding));
    },
    all: () => ({ list, omitted }),
  };
}

/** One sentence for a person. */
export function describeFinding(finding: AuditFinding): string {
  switch (finding.kind) {
    case 'edited':
      return `row ${finding.id} (${when(finding)}) was edited: its text is not what was signed`;
    case 'inserted':
      return `row ${finding.id} (${when(finding)}) was inserted: the chain has no such row`;
    case 'moved':
      return `row ${finding.id} (${when(finding)}) was moved: it was written as row ${finding.wasId}`;
    case 'relinked':
      return `row ${finding.id} (${when(finding)}) follows another row than it was written after: the rows before it were exchanged`;
    case 'missing':
      return finding.fromId === finding.toId ? `row ${finding.fromId} is missing` : `rows ${finding.fromId} to ${finding.toId} are missing`;
    case 'restarted':
      return `the chain was begun anew at row ${finding.id} (${when({ ...finding, action: 'audit.restarted' })}): the rows ${finding.fromId} to ${finding.id - 1} were signed with another key and cannot be verified`;
    case 'seal':
      return `${sealNames[finding.seal]} ${sealFaults[finding.fault]}`;
  }
}

const sealNames = { checkpoint: 'the checkpoint in the database', checkpoint_file: 'the file audit.checkpoint', cut: 'the mark that retention left', restart: 'the mark of a new beginning' } as const;
const sealFaults = {
  missing: 'is missing',
  unreadable: 'cannot be read',
  foreign: 'was signed with another key',
  forged: 'is not what was signed',
  behind: 'was set back: rows stand behind it',
} as const;

function when({ atMs, action }: { readonly atMs: number; readonly action: string }): string {
  return `${action}, ${atMs <= 8.64e15 ? new Date(atMs).toISOString() : String(atMs)}`;
}
