import type { Dialect } from '../../internal/dialect/dialect.ts';

export type Column = 'plain' | 'stream' | 'tools' | 'image' | 'structured' | 'reasoning' | 'usage' | 'refusal' | 'cut' | 'abort';

/** Cells that are not tried, with the reason that docs/matrix.md gives. */
export interface EmptyCells {
  readonly client: string;
  readonly columns: readonly Column[];
  /** Absent: on every upstream. */
  readonly upstream?: Dialect;
  /** As it stands in the table. */
  readonly mark: string;
  readonly reason: string;
}

export const emptyCells: readonly EmptyCells[] = [
  { client: '@openai/agents', columns: ['structured'], mark: 'a', reason: 'takes its output form as a zod schema alone, which is no dependency here; it sends what the openai rows send' },
  { client: 'ai + openai (chat)', columns: ['reasoning'], mark: 'b', reason: 'the package reads no reasoning from Chat Completions, whoever sends it; `ai + openai-compatible` does' },
  { client: 'ai + google', columns: ['tools'], upstream: 'gemini', mark: 'c', reason: 'same dialect, so the simulator’s own bytes: it ends a call with the finish reason FUNCTION_CALL, which Google does not have, and the package then stops' },
];

/** Why a cell is empty; undefined for one that is tried. */
export function whyEmpty(client: string, upstream: Dialect, column: Column): EmptyCells | undefined {
  return emptyCells.find((cell) => cell.client === client && cell.columns.includes(column) && (cell.upstream ?? upstream) === upstream);
}
