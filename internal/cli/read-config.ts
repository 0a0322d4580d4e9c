import { readFileSync } from 'node:fs';
import { decodeConfig } from '../config/decode.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import { locateProblems } from '../config/locate.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { readSecretFile } from '../config/secret-reference.ts';
import { err, type Result } from '../fault/result.ts';
import { isLatched } from '../http/client-auth-latch.ts';
import { buildDoorRules } from '../http/door-rules.ts';
import type { CliProcess } from './process-env.ts';

/** Reads and validates a config file with the process's environment; a file that cannot be read is one problem. */
export function readConfigFile(cli: CliProcess, path: string): Result<LoadedConfig, readonly ConfigProblem[]> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
    return err([{ severity: 'error', path: '', message: `cannot be read (${code}); check its mode and owner` }]);
  }
  return decodeConfig({ path, text, env: cli.env, readSecretFile, home: cli.home });
}

/** What the doors would say of a valid config at start: errors refuse it, warnings are logged. */
export function checkDoors(cli: CliProcess, loaded: LoadedConfig): readonly ConfigProblem[] {
  const doors = buildDoorRules(loaded, { managementPassword: cli.env['MANAGEMENT_PASSWORD'], isClientAuthLatched: isLatched(loaded.dataDir) });
  return locateProblems(loaded.text, doors.ok ? doors.value.warnings : doors.error);
}
