import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Figures } from '../figures.ts';

const folder = resolve(import.meta.dirname, '../results');

/** Keeps the whole run as JSON; NaN becomes null. Returns the file's path. */
export function keepResults(figures: Figures): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${figures.startedAt.replaceAll(':', '-').slice(0, 19)}.json`);
  writeFileSync(path, `${JSON.stringify(figures, undefined, 2)}\n`);
  return path;
}
