import { escapeForeign } from './escape.ts';

export interface HumanFormat {
  readonly colors: boolean;
}

interface LevelLook {
  readonly name: string;
  readonly color: string;
}

const looks: Readonly<Record<number, LevelLook>> = {
  10: { name: 'trace', color: '2' },
  20: { name: 'debug', color: '36' },
  30: { name: 'info ', color: '32' },
  40: { name: 'warn ', color: '33' },
  50: { name: 'error', color: '31' },
  60: { name: 'fatal', color: '31;1' },
};

const shownElsewhere: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'err']);
/** Members of an access line that its message shows already. */
const shownByAccess: ReadonlySet<string> = new Set(['access', 'method', 'path', 'status', 'latencyMs', 'firstByteMs']);

/**
 * One JSON line of the log as a person reads it: `02:12:09.123 info  message  name=value`, an error's stack below. Text is
 * escaped; what is not a JSON object is shown escaped as it stands. Ends in a line break.
 */
export function formatHuman(line: string, format: HumanFormat): string {
  const fields = parseLine(line);
  if (fields === undefined) return `${escapeForeign(line.trimEnd())}\n`;
  const paint = (color: string, text: string): string => (format.colors ? `\u001b[${color}m${text}\u001b[0m` : text);
  const look = looks[Number(fields['level'])] ?? { name: '     ', color: '0' };
  const access = fields['access'] === true;
  const rest = Object.entries(fields)
    .filter(([name]) => !shownElsewhere.has(name) && !(access && shownByAccess.has(name)))
    .map(([name, value]) => `${paint('2', `${escapeForeign(name)}=`)}${showValue(value)}`);
  const message = access ? showAccess(fields) : escapeForeign(plain(fields['msg']));
  const head = `${paint('2', showTime(fields['time']))} ${paint(look.color, look.name)} ${message}`;
  return `${[head, ...rest].join('  ')}\n${showError(fields['err'], 0)}`;
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function showTime(time: unknown): string {
  if (typeof time !== 'number') return '--:--:--.---';
  const at = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function showAccess(fields: Readonly<Record<string, unknown>>): string {
  const first = fields['firstByteMs'];
  const timing = typeof first === 'number' ? ` (first byte ${Math.round(first)} ms)` : '';
  const path = `${plain(fields['method'])} ${plain(fields['path'])}`;
  return `${escapeForeign(path)} → ${plain(fields['status'])} in ${Math.round(Number(fields['latencyMs'] ?? 0))} ms${timing}`;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function showValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : escapeForeign(JSON.stringify(value));
  return escapeForeign(JSON.stringify(value) ?? 'undefined');
}

function showError(err: unknown, depth: number): string {
  if (typeof err !== 'object' || err === null) return '';
  const text: unknown = Reflect.get(err, 'stack') ?? Reflect.get(err, 'message');
  const code: unknown = Reflect.get(err, 'code');
  const lines = (plain(text) || 'error').split('\n').map((line) => `    ${escapeForeign(line)}\n`);
  const shownCode = typeof code === 'string' ? `    code: ${escapeForeign(code)}\n` : '';
  const cause: unknown = Reflect.get(err, 'cause');
  const below = cause !== undefined && depth < 4 ? `    caused by:\n${showError(cause, depth + 1)}` : '';
  return `${lines.join('')}${shownCode}${below}`;
}
