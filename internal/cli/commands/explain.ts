import type { CliProcess } from '../process-env.ts';
import { printAnswer } from './status.ts';

export interface ExplainFlags {
  readonly config?: string;
  readonly json: boolean;
  readonly model: string;
}

/** Prints the answer of `GET /v0/management/explain?model=`: who would serve it, and why each other account is skipped. */
export function explainModel(cli: CliProcess, flags: ExplainFlags): Promise<number> {
  return printAnswer(cli, flags, `/v0/management/explain?model=${encodeURIComponent(flags.model)}`);
}
