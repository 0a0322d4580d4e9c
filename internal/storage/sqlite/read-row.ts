/** Reads columns of a result row; a missing or differently typed column is a mistake of ours. */
export interface RowReader {
  readonly text: (column: string) => string;
  readonly number: (column: string) => number;
}

export function readRow(row: unknown): RowReader {
  const at = (column: string): unknown => (typeof row === 'object' && row !== null ? Reflect.get(row, column) : undefined);
  return {
    text: (column) => {
      const value = at(column);
      if (typeof value !== 'string') throw new TypeError(`column ${column} is not text`);
      return value;
    },
    number: (column) => {
      const value = at(column);
      if (typeof value !== 'number') throw new TypeError(`column ${column} is not a number`);
      return value;
    },
  };
}
