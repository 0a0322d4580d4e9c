import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitForUrl, type Target } from '../harness/target.ts';

export type Sin = 'careful' | 'naive' | 'silent' | 'blaming' | 'confused';

/** The fake in place of the daemon; see fake/refresher.ts. */
export function fakeTarget(sin: Sin): Target {
  return {
    title: `a ${sin} fake`,
    start: async (children, { name, folder, authDir, tokenUrl, upstreamUrl }, incarnation) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const outputPath = join(folder, `output-${incarnation}.log`);
      const child = children.spawn(process.execPath, [join(import.meta.dirname, 'refresher.ts'), '--setting', JSON.stringify({ name, authDir, tokenUrl, upstreamUrl, sin })], { cwd: folder, env: {}, outputPath });
      return { child, url: await waitForUrl(child, outputPath) };
    },
  };
}
