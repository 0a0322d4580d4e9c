import { isRecord } from './control.ts';
import { renderJson } from './render.ts';
import { formatColumns, printable } from './table.ts';

type Row = Readonly<Record<string, unknown>>;

/** The calls by which a client of each dialect asks. */
const calls: ReadonlyMap<string, string> = new Map([
  ['openai-chat', 'POST /v1/chat/completions'],
  ['openai-responses', 'POST /v1/responses'],
  ['anthropic-messages', 'POST /v1/messages'],
  ['gemini', 'POST /v1beta/models/{model}:generateContent'],
]);

/** The decision as a person reads it at night: the order first, then who is left out, then what cools. */
export function renderExplanation(answer: unknown): string {
  // An older daemon says less.
  if (!isRecord(answer) || typeof answer['dialect'] !== 'string') return renderJson(answer);
  const rows = rowsOf(answer['candidates']);
  const asked = rows.filter((row) => typeof row['place'] === 'number');
  const skipped = rows.filter((row) => typeof row['place'] !== 'number');
  return [renderHead(answer), renderOrder(asked, answer), renderSkipped(skipped, answer), renderCooldowns(rows, answer), renderNearNames(answer)].filter((part) => part !== '').join('\n');
}

function renderHead(answer: Row): string {
  const dialect = text(answer['dialect']);
  const lines = [
    ['Model', text(answer['model'])],
    ['Asked', `as a client of ${dialect} (${calls.get(dialect) ?? 'another call'})`],
    ['Strategy', `${text(answer['strategy'])} among accounts of one priority; health, then affinity, then priority go before it`],
    ['Affinity', describeAffinity(answer['session_affinity'])],
    ...(typeof answer['key'] === 'string' ? [['Key', describeKey(answer)]] : []),
  ];
  return formatColumns(lines);
}

function describeAffinity(affinity: unknown): string {
  if (!isRecord(affinity) || affinity['enabled'] !== true) return 'off (`routing.session-affinity`)';
  return `on, an idle session stays bound for ${spell(Number(affinity['ttl_seconds']))}; ${text(affinity['bound_sessions'])} bound for this model`;
}

function describeKey(answer: Row): string {
  const id = text(answer['key']);
  if (answer['key_known'] !== true) return `${id} is not known here: its requests get 401`;
  return answer['key_may_use'] === true ? `${id} is known and may use the model` : `${id} is known, but may not use the model: its requests get 403`;
}

function renderOrder(asked: readonly Row[], answer: Row): string {
  if (asked.length === 0) return 'No account would be asked now.\n';
  const head = ['', 'account', 'asked in', 'upstream model', 'priority', 'weight', ...(hasBound(answer) ? ['sessions'] : []), ''];
  const cells = asked.map((row) => [
    text(row['place']),
    text(row['label']),
    `${text(row['askedIn'])}${row['isTranslated'] === true ? ', translated' : ''}`,
    text(row['upstreamModel']),
    text(row['priority']),
    text(row['weight']),
    ...(hasBound(answer) ? [text(row['boundSessions'])] : []),
    row['usable'] === true ? '' : row['skipClass'] === 'on_trial' ? 'on trial after a failure' : 'failed lately, so behind all that did not',
  ]);
  return `Accounts would be asked in this order now:\n${formatColumns([head, ...cells], '  ')}`;
}

function renderSkipped(skipped: readonly Row[], answer: Row): string {
  if (skipped.length === 0) return '';
  const cells = skipped.map((row) => {
    const until = row['until'] === undefined ? '' : `; next try ${describeTime(row['until'], answer)}`;
    return [text(row['label']), text(row['skipClass']), `${text(row['skipped'])}${until}`];
  });
  return `Skipped:\n${formatColumns(cells, '  ')}`;
}

function renderCooldowns(rows: readonly Row[], answer: Row): string {
  const cells = rows.flatMap((row) =>
    rowsOf(row['cooldowns']).map((cooldown) => [
      text(row['label']),
      cooldown['scope'] === 'account' ? 'account' : `${text(cooldown['scope'])} ${text(cooldown['model'])}`,
      text(cooldown['reason']),
      cooldown['source'] === 'upstream' ? 'the upstream’s' : 'own back-off',
      text(cooldown['failures']),
      describeTime(cooldown['since'], answer),
      describeTime(cooldown['until'], answer),
      cooldown['isProbing'] === true ? 'under way' : describeTime(cooldown['nextTry'], answer),
    ]),
  );
  if (cells.length === 0) return '';
  return `Cooldowns (a success ends one; so does \`POST /v0/management/reset-quota\`):\n${formatColumns([['account', 'scope', 'reason', 'whose time', 'failures', 'since', 'until', 'next try'], ...cells], '  ')}`;
}

function renderNearNames(answer: Row): string {
  const names = Array.isArray(answer['near_names']) ? answer['near_names'].map(text) : [];
  return names.length === 0 ? '' : `Did you mean ${names.map(printable).join(', ')}?\n`;
}

/** An instant as what is left until it, counted by the daemon's clock. */
function describeTime(instant: unknown, answer: Row): string {
  const seconds = Math.round((Date.parse(text(instant)) - Date.parse(text(answer['at']))) / 1_000);
  if (!Number.isFinite(seconds)) return text(instant);
  if (seconds === 0) return 'now';
  return seconds > 0 ? `in ${spell(seconds)}` : `${spell(-seconds)} ago`;
}

/** The two largest units: `2d3h`, `15m`, `40s`. */
function spell(seconds: number): string {
  const units = [['d', 86_400], ['h', 3_600], ['m', 60], ['s', 1]] as const;
  const parts: string[] = [];
  let left = Math.round(seconds);
  for (const [name, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count}${name}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join('') || '0s';
}

function hasBound(answer: Row): boolean {
  return isRecord(answer['session_affinity']) && answer['session_affinity']['enabled'] === true;
}

function rowsOf(value: unknown): readonly Row[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '–' : JSON.stringify(value);
}
