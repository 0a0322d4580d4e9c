export type Column = 'plain' | 'stream' | 'tools' | 'image' | 'structured' | 'reasoning' | 'usage' | 'refusal' | 'cut' | 'abort';

/** A cell that is not tried, with the reason that docs/matrix.md gives. */
export interface EmptyCells {
  readonly client: string;
  readonly columns: readonly Column[];
  /** As it stands in the table. */
  readonly mark: string;
  readonly reason: string;
}

export const emptyCells: readonly EmptyCells[] = [
  { client: '@openai/agents', columns: ['structured'], mark: 'a', reason: 'takes its output form as a zod schema alone, which is no dependency here; it sends what the openai rows send' },
];
