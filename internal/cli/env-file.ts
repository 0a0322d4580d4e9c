import { ok, type Result } from '../fault/result.ts';
import type { CliProcess } from './process-env.ts';
export function readWorkingDirectoryEnv(cli: CliProcess): Result<CliProcess['env'], string> {
  return ok(cli.env);
}
