export type Column = 'plain' | 'stream' | 'tools' | 'image' | 'streamed tools' | 'structured' | 'reasoning' | 'usage' | 'refusal' | 'error' | 'cut' | 'abort';

/** Cells that are not tried on any upstream, with the reason that docs/matrix.md gives. */
export interface EmptyCells {
  readonly client: string;
  readonly columns: readonly Column[];
  /** As it stands in the table. */
  readonly mark: string;
  readonly reason: string;
}

export const emptyCells: readonly EmptyCells[] = [
  { client: 'ai + openai (chat)', columns: ['reasoning'], mark: 'a', reason: 'the package reads no reasoning from Chat Completions, whoever sends it; `ai + openai-compatible` does' },
];

/** Why a cell is empty; undefined for one that is tried. */
export function whyEmpty(client: string, column: Column): EmptyCells | undefined {
  return emptyCells.find((cell) => cell.client === client && cell.columns.includes(column));
}
