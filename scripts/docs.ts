import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { configJsonSchema } from '../internal/config/json-schema.ts';
import { renderConfigurationPage } from './docs/configuration-page.ts';
import { renderErrorsPage } from './docs/errors-page.ts';
import { renderOAuthConformancePage } from './docs/oauth-conformance-page.ts';

/*
 * `npm run docs`: writes what follows from the settings table, the error table and the titles of the OAuth tests. `--check` writes nothing and exits 1
 * naming the files that differ.
 */

const root = resolve(import.meta.dirname, '..');
const pages: Readonly<Record<string, string>> = {
  'docs/configuration.md': renderConfigurationPage(),
  'docs/errors.md': renderErrorsPage(),
  'docs/oauth-conformance.md': renderOAuthConformancePage(),
  'config.schema.json': `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`,
};

const drifted = Object.entries(pages).filter(([path, text]) => readText(join(root, path)) !== text);
if (process.argv.includes('--check')) {
  for (const [path] of drifted) process.stderr.write(`${path} differs from the tables it is generated from; run \`npm run docs\`\n`);
  process.exitCode = drifted.length === 0 ? 0 : 1;
} else {
  for (const [path, text] of drifted) {
    writeFileSync(join(root, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
