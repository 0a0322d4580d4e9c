import type { Table } from './tables.ts';

/** First column to the left, figures to the right; the table of aims to the left throughout. */
export function renderTerminal(table: Table): string {
  const widths = table.columns.map((column, index) => Math.max(column.length, ...table.rows.map((row) => row[index]?.length ?? 0)));
  const isText = table.title === 'Aims';
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === 0 || isText ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return ['', table.title, '', line(table.columns), line(widths.map((width) => '─'.repeat(width))), ...table.rows.map(line), ''].join('\n');
}
