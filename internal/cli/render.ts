import { isRecord } from './control.ts';
import { formatColumns, printable } from './table.ts';

/**
 * A JSON answer for a person: `name: value` lines, objects indented below their name, lists of objects as tables. It
 * knows no field names, so a newer daemon's further fields show as well.
 */
export function renderJson(value: unknown, indent = ''): string {
  if (isRecord(value)) return renderRecord(value, indent);
  if (Array.isArray(value)) return renderList(value, indent);
  return `${indent}${renderScalar(value)}\n`;
}

function renderRecord(record: Readonly<Record<string, unknown>>, indent: string): string {
  return Object.entries(record)
    .map(([name, value]) => {
      const label = `${indent}${printable(name)}:`;
      const isNested = typeof value === 'object' && value !== null && Object.keys(value).length > 0;
      return isNested ? `${label}\n${renderJson(value, `${indent}  `)}` : `${label} ${renderScalar(value)}\n`;
    })
    .join('');
}

function renderList(list: readonly unknown[], indent: string): string {
  const records = list.filter(isRecord);
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  if (records.length < list.length || names.length === 0) return list.map((item) => `${indent}- ${renderScalar(item)}\n`).join('');
  const rows = records.map((record) => names.map((name) => renderScalar(record[name])));
  return formatColumns([names, ...rows], indent);
}

function renderScalar(value: unknown): string {
  if (value === undefined || value === null || value === '') return '–';
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(renderScalar).join(', ');
  if (isRecord(value) && Object.keys(value).length === 0) return 'none';
  return printable(JSON.stringify(value));
}
