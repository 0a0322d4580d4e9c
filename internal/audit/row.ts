import type { AuditEvent, AuditOutcome, AuditRecord } from './ports.ts';

/** An event as it is kept: every member of the type and in the range that the store takes, so that one odd event never holds up those behind it. */
export interface AuditRow {
  readonly atMs: number;
  readonly action: string;
  readonly actor: string;
  readonly actorLabel: string;
  readonly from: string;
  readonly requestId: string;
  readonly target: string;
  readonly code: string;
  /** An `AuditOutcome`, unless somebody edited it. */
  readonly outcome: string;
  readonly count: number;
  /** JSON text. */
  readonly before: string | null;
  readonly after: string | null;
}

const maxTextLength = 4_096;
const maxJsonLength = 262_144;

export function toRow(event: AuditEvent): AuditRow {
  return {
    atMs: wholeNumber(event.atMs),
    action: plain(event.action),
    actor: plain(event.actor),
    actorLabel: plain(event.actorLabel ?? ''),
    from: plain(event.from),
    requestId: plain(event.requestId),
    target: plain(event.target),
    code: plain(event.code),
    outcome: outcomeOf(event),
    count: Math.max(1, wholeNumber(event.count ?? 1)),
    before: encode(event.before),
    after: encode(event.after),
  };
}

export function toRecord(id: number, row: AuditRow): AuditRecord {
  const { count, before, after, outcome, ...rest } = row;
  return { id, ...rest, outcome: readOutcome(outcome), ...(count > 1 ? { count } : {}), ...decoded('before', before), ...decoded('after', after) };
}

/** What a row's HMAC covers, apart from its predecessor's. One text for one row: JSON of a list leaves no second reading. */
export function rowText(id: number, row: AuditRow): string {
  return JSON.stringify([id, row.atMs, row.action, row.actor, row.actorLabel, row.from, row.requestId, row.target, row.code, row.outcome, row.count, row.before, row.after]);
}

const outcomes: readonly AuditOutcome[] = ['ok', 'refused', 'failed', 'asked'];

/** Text that was not written here counts as `failed`. */
function readOutcome(text: string): AuditOutcome {
  return outcomes.find((outcome) => outcome === text) ?? 'failed';
}

function outcomeOf({ outcome, code, action }: AuditEvent): AuditOutcome {
  if (outcome !== undefined) return outcome;
  if (code === '') return 'ok';
  return action.endsWith('.refused') ? 'refused' : 'failed';
}

/** SQLite would replace lone surrogates, and cut nothing else; then what is read would not be what was signed. */
function plain(text: string): string {
  return text.slice(0, maxTextLength).toWellFormed().replaceAll('\0', '\u{fffd}');
}

function wholeNumber(value: number): number {
  return value > 0 ? Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER) : 0;
}

function encode(value: unknown): string | null {
  if (value === undefined) return null;
  try {
    const text = JSON.stringify(value) ?? null;
    return text !== null && text.length > maxJsonLength ? JSON.stringify({ left_out: `${text.length} characters` }) : text;
  } catch {
    return JSON.stringify({ left_out: 'no JSON' });
  }
}

function decoded(name: 'before' | 'after', text: string | null): { readonly before?: unknown; readonly after?: unknown } {
  if (text === null) return {};
  try {
    const value: unknown = JSON.parse(text);
    return { [name]: value };
  } catch {
    // Somebody edited the row; `verify` names it.
    return { [name]: text };
  }
}
