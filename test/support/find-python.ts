import { spawnSync } from 'node:child_process';
import { findProgram } from './find-program.ts';

/** A Python that has these modules: the one that `KEYWARD_TEST_PYTHON` names, else the machine's own. */
export function findPython(modules: readonly string[]): string | undefined {
  const named = process.env['KEYWARD_TEST_PYTHON'] ?? '';
  return [named === '' ? undefined : named, findProgram('python3')].find((python) => python !== undefined && spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0);
}
