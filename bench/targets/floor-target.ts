import { join } from 'node:path';
import { build } from 'esbuild';
import { takeFreePort } from '../process/free-port.ts';
import { chatPath } from '../workloads.ts';
import { clientKey, keyedEndpoint, originOf, type TargetKind } from './target.ts';

const source = join(import.meta.dirname, '../floor.ts');

export const floorTarget: TargetKind = {
  id: 'floor',
  title: 'floor (node:http + undici)',
  prepare: () => undefined,
  launch: async ({ children, upstream, folder }) => {
    const port = await takeFreePort();
    // Bundled as a product would be: neither stripping types nor looking for modules counts as its start or memory.
    const program = join(folder, 'floor.cjs');
    await build({ entryPoints: [source], outfile: program, bundle: true, format: 'cjs', platform: 'node', target: 'node24', logLevel: 'warning' });
    const child = children.spawn(process.execPath, [program, originOf(upstream), clientKey, String(port)], { cwd: folder, env: {}, outputPath: join(folder, 'floor.log') });
    return { child, endpoint: keyedEndpoint(port, chatPath) };
  },
  startLimitMs: 15_000,
};
