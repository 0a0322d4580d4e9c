import { findConfig } from '../config-path.ts';
import { announceInitialConfig, createInitialConfig } from '../first-run.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

export interface InitFlags {
  readonly config?: string;
  readonly json: boolean;
}

/** Writes a first config where none is; with `--json` the keys are part of the answer. */
export function writeInitialConfig(cli: CliProcess, flags: InitFlags): number {
  const found = findConfig(cli, flags.config, false);
  const created = found.ok ? createInitialConfig(found.value.path) : found;
  if (!created.ok) {
    cli.stderr.write(`keyward: ${created.error}\n`);
    return exitCodes.failed;
  }
  const initial = created.value;
  if (flags.json) cli.stdout.write(`${JSON.stringify({ path: initial.path, client_key: initial.clientKey, management_key: initial.managementKey })}\n`);
  else announceInitialConfig(cli, initial, 'http://localhost:8317');
  return exitCodes.ok;
}
