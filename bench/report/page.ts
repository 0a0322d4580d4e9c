import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Figures } from '../figures.ts';
import { buildNotes, buildTables, type Table } from './tables.ts';

const page = resolve(import.meta.dirname, '../../docs/performance.md');
const begin = '<!-- measured: begin (npm run bench -- --write) -->';
const end = '<!-- measured: end -->';

/** Puts the run between the markers of docs/performance.md; the rest of the page is written by hand. Returns its path. */
export function writePage(figures: Figures): string {
  const text = readFileSync(page, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${page} lacks its markers "${begin}" and "${end}"`);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${renderMeasured(figures)}\n${text.slice(to)}`);
  return page;
}

export function renderMeasured(figures: Figures): string {
  const head = [
    `Measured ${figures.startedAt.slice(0, 10)} with \`${figures.command}\` (${figures.plan}), Node ${figures.node}, ${figures.machine},`,
    `load average ${figures.loadAverageAtStart.toFixed(2)} before and ${figures.loadAverageAtEnd.toFixed(2)} after.`,
  ].join(' ');
  const notes = buildNotes(figures).map((note) => `- ${note}`);
  return [head, '', ...buildTables(figures).map(renderMarkdown), ...(notes.length === 0 ? [] : ['### Notes', '', ...notes, ''])].join('\n');
}

function renderMarkdown(table: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = table.columns.map((_, index) => (index === 0 || table.title === 'Aims' ? '---' : '---:'));
  return [`### ${table.title}`, '', line(table.columns), line(rule), ...table.rows.map(line), ''].join('\n');
}
