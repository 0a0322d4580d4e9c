import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Table } from './tables.ts';

/** A part of docs/performance.md that a bench of its own writes. */
export interface Section {
  readonly head: string;
  readonly tables: readonly Table[];
}

const page = resolve(import.meta.dirname, '../../docs/performance.md');

/** Replaces what stands between the markers of the part. Throws where the page lacks them. */
export function writeSection(name: 'sockets' | 'credentials', { head, tables }: Section): void {
  const begin = `<!-- ${name}: begin (npm run bench -- --${name} --write) -->`;
  const end = `<!-- ${name}: end -->`;
  const text = readFileSync(page, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} lacks its markers "${begin}" and "${end}"`);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const shown = tables.flatMap(({ title, columns, rows }) => [`### ${title}`, '', line(columns), line(columns.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line), '']);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${[head, '', ...shown].join('\n')}\n${text.slice(to)}`);
}
