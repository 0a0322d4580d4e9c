/** Turns the text of an event stream into the JSON array that clients without `alt=sse` read. */
export interface ArrayWriter {
  /** Whole events. */
  readonly push: (text: string) => string;
  /** The bracket that makes the array look whole: only after a clean end (security rule 16). */
  readonly end: () => string;
}

const dataField = /^data: ?/;

export function createArrayWriter(): ArrayWriter {
  let hasBegun = false;
  const element = (json: string): string => {
    const before = hasBegun ? ',\r\n' : '[';
    hasBegun = true;
    return before + json;
  };
  return {
    // Lines of data hold a whole event each, since JSON text has no line breaks of its own.
    push: (text) => {
      const lines = text.split(/\r\n|\n|\r/).filter((line) => dataField.test(line));
      return lines.map((line) => element(line.replace(dataField, ''))).join('');
    },
    end: () => (hasBegun ? '\n]' : '[]'),
  };
}
