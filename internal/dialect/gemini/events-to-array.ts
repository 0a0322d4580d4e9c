/** Turns the text of Gemini's event stream into the JSON array that clients without `alt=sse` read. */
export interface ArrayWriter {
  /** Whole events. */
  readonly push: (text: string) => string;
  /** The bracket that makes the array look whole: only after the dialect's own end (security rule 16). */
  readonly end: () => string;
}

export function createArrayWriter(): ArrayWriter {
  let hasBegun = false;
  return {
    push: (text) =>
      text
        .split(/\r?\n\r?\n/)
        .filter((event) => event.startsWith('data:'))
        .map((event) => {
          const before = hasBegun ? ',\r\n' : '[';
          hasBegun = true;
          return before + event.slice(event[5] === ' ' ? 6 : 5);
        })
        .join(''),
    end: () => (hasBegun ? '\n]' : '[]'),
  };
}
