import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { takeFreePort } from '../process/free-port.ts';
import { allModels, chatPath } from '../workloads.ts';
import { clientKey, keyedEndpoint, originOf, upstreamKey, type TargetId, type TargetKind } from './target.ts';

const binary = resolve(import.meta.dirname, '../../dist/keyward.mjs');

interface Variant {
  readonly id: TargetId;
  readonly title: string;
  /** Lines of `config.yaml` beyond the address, folders and the upstream. */
  readonly settings: () => string;
  readonly startLimitMs: number;
}

const ungoverned: Variant = {
  id: 'keyward-open',
  title: 'Keyward ungoverned',
  settings: () => 'usage-statistics-enabled: false\nlog-level: error\n',
  startLimitMs: 20_000,
};

const governed: Variant = {
  id: 'keyward',
  title: 'Keyward governed',
  settings: () => `api-keys:\n  - "${clientKey}"\n`,
  startLimitMs: 20_000,
};

const governedManyKeys: Variant = {
  id: 'keyward-100k',
  title: 'Keyward, 100,000 keys',
  // The one in use stands in the middle, so that neither end of a list is favoured.
  settings: () => `api-keys: ${manyKeys(50_000, 'a').slice(0, -1)},"${clientKey}",${manyKeys(49_999, 'b').slice(1)}\n`,
  startLimitMs: 120_000,
};

export const keywardTargets: readonly TargetKind[] = [ungoverned, governed, governedManyKeys].map((variant) => ({
  id: variant.id,
  title: variant.title,
  prepare: () => (existsSync(binary) ? undefined : 'dist/keyward.mjs is not built (npm run build)'),
  launch: async ({ children, upstream, folder }) => {
    const port = await takeFreePort();
    const config = join(folder, 'config.yaml');
    writeFileSync(config, configText(port, originOf(upstream), variant.settings()), { mode: 0o600 });
    const child = children.spawn(process.execPath, [binary, 'serve', '--config', config], { cwd: folder, env: { HOME: folder }, outputPath: `${folder}.log` });
    return { child, endpoint: keyedEndpoint(port, chatPath) };
  },
  startLimitMs: variant.startLimitMs,
}));

function configText(port: number, upstream: string, settings: string): string {
  return `port: ${port}
auth-dir: "./auth"
data-dir: "./data"
${settings}openai-compatibility:
  - name: "bench"
    base-url: "${upstream}/v1"
    api-key-entries:
      - api-key: "${upstreamKey}"
    models:
${allModels.map((name) => `      - name: "${name}"`).join('\n')}
`;
}

/** Seven characters a key: a file of 1 MB holds 100,000 of them, and not of the usual length. */
function manyKeys(count: number, salt: string): string {
  return `[${Array.from({ length: count }, (_, index) => `${salt}x${index.toString(36).padStart(5, '0')}`).join(',')}]`;
}
