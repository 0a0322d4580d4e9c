import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { granted, layers } from './layers.ts';

const root = resolve(import.meta.dirname, '../..');
const internal = join(root, 'internal');
const sources = readdirSync(internal, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, folder: file.split(sep)[0] ?? '', text: readFileSync(join(internal, file), 'utf8') }));

const rowOf = new Map(layers.flatMap((row, index) => row.map((folder) => [folder, index] as const)));

function importedFolders(source: { readonly file: string; readonly text: string }): readonly string[] {
  const specifiers = [...source.text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.map((specifier) => relative(internal, resolve(internal, dirname(source.file), specifier)).split(sep)[0] ?? '');
}

describe('the map of the code holds', () => {
  it('every folder of internal/ has its row', () => {
    const folders = [...new Set(sources.map((source) => source.folder))];
    expect(folders.filter((folder) => !rowOf.has(folder))).toEqual([]);
  });

  it('imports point down only', () => {
    const upward = sources.flatMap((source) =>
      importedFolders(source)
        .filter((folder) => folder !== source.folder && !(granted[source.folder] ?? []).includes(folder))
        .filter((folder) => (rowOf.get(folder) ?? Infinity) >= (rowOf.get(source.folder) ?? -1))
        .map((folder) => `${source.file} → ${folder}`),
    );
    expect(upward).toEqual([]);
  });

  it('no source file is over 500 lines, and none has a default export', () => {
    expect(sources.filter((source) => source.text.split('\n').length > 500).map((source) => source.file)).toEqual([]);
    expect(sources.filter((source) => /^export default/m.test(source.text)).map((source) => source.file)).toEqual([]);
  });

  it('only cli/process-env.ts reads process.env, and only clock/ reads Date.now', () => {
    const reads = (pattern: RegExp, home: string) => sources.filter((source) => !source.file.startsWith(home) && pattern.test(source.text)).map((source) => source.file);
    expect(reads(/process\.env/, join('cli', 'process-env.ts'))).toEqual([]);
    expect(reads(/Date\.now\(/, 'clock')).toEqual([]);
  });
});
