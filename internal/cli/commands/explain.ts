import { sha256Hex } from '../../secret/digest.ts';
import type { CliProcess } from '../process-env.ts';
import { renderExplanation } from '../render-explanation.ts';
import { printAnswer } from './status.ts';

export interface ExplainFlags {
  readonly config?: string;
  readonly json: boolean;
  readonly model: string;
  readonly key?: string;
  readonly dialect?: string;
}

/** Prints the answer of `GET /v0/management/explain`: who would be asked, in which order, and why each other one is skipped. */
export async function explainModel(cli: CliProcess, flags: ExplainFlags): Promise<number> {
  const query = new URLSearchParams({ model: flags.model });
  if (flags.key !== undefined) query.set('key', keyIdOf(flags.key === '-' ? (await cli.readStdin()).trim() : flags.key));
  if (flags.dialect !== undefined) query.set('dialect', flags.dialect);
  return printAnswer(cli, flags, `/v0/management/explain?${query.toString()}`, renderExplanation);
}

/** A key itself never leaves this process: its id says as much. */
function keyIdOf(given: string): string {
  return /^(?:key_[\da-f]{12}|ck_[\w-]+)$/.test(given) ? given : `key_${sha256Hex(given).slice(0, 12)}`;
}
