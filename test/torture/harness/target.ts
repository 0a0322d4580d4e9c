import { existsSync, readFileSync } from 'node:fs';
import type { Child, Children } from '../../../bench/process/children.ts';
import { until } from '../../support/until.ts';

/** All that one process under test is told. */
export interface Setting {
  /** `d1`, `d2` … */
  readonly name: string;
  /** Its own. */
  readonly folder: string;
  /** Shared by all. */
  readonly authDir: string;
  readonly tokenUrl: string;
  readonly upstreamUrl: string;
  readonly apiKey: string;
  readonly managementSecret: string;
}

export interface Instance {
  readonly child: Child;
  readonly url: string;
}

/** What the burn test is run against: Keyward, or the fake that shows that the checks can fail. */
export interface Target {
  readonly title: string;
  /** Resolves when it listens. `incarnation` counts a setting's starts from 0 on. */
  readonly start: (children: Children, setting: Setting, incarnation: number) => Promise<Instance>;
}

/** The name by which clients ask for the model; below an identity's prefix it reaches that identity alone. */
export const modelName = 'burn-model';

const startLimitMs = 30_000;

/** Reads a program's output until it says where it listens. */
export async function waitForUrl(child: Child, outputPath: string): Promise<string> {
  let url = '';
  await until(
    'a program to listen',
    () => {
      url = existsSync(outputPath) ? (/listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(readFileSync(outputPath, 'utf8'))?.[1] ?? '') : '';
      if (url === '' && child.hasEnded()) throw new Error(`it ended at its start: ${child.lastWords()}`);
      return url !== '';
    },
    startLimitMs,
  );
  return url;
}
