import type { Interface } from 'node:readline';

/** Input line by line. Lines that come while nobody waits are kept. */
export interface LineReader {
  /** The next line without its end; undefined once the input has ended or the reader was closed. */
  readonly next: () => Promise<string | undefined>;
  /** Lets go of the input, so that it keeps no process alive; a terminal is as before. */
  readonly close: () => void;
}

export interface LineOptions {
  /** The input is a terminal and what is typed is not to be seen on it. */
  readonly isHidden: boolean;
  /** Called for Ctrl-C where the terminal no longer makes a signal of it. */
  readonly interrupt: () => void;
}

export function openLines(input: NodeJS.ReadableStream, options: LineOptions): LineReader {
  const kept: string[] = [];
  const waiting: ((line: string | undefined) => void)[] = [];
  let hasEnded = false;
  const reader = createReader(input, options);
  reader.on('line', (line) => {
    const first = waiting.shift();
    if (first === undefined) kept.push(line);
    else first(line);
  });
  reader.on('close', () => {
    hasEnded = true;
    for (const tell of waiting.splice(0)) tell(undefined);
  });
  reader.on('SIGINT', options.interrupt);
  return {
    next: () => {
      const line = kept.shift();
      if (line !== undefined || hasEnded) return Promise.resolve(line);
      return new Promise((resolve) => waiting.push(resolve));
    },
    close: () => {
      reader.close();
      input.pause();
      // A pipe that its other end keeps open would hold the process.
      if ('unref' in input && typeof input.unref === 'function') input.unref();
    },
  };
}

function createReader(input: NodeJS.ReadableStream, { isHidden }: LineOptions): Interface {
  // Not imported: every command reads this file, and few read lines.
  const { createInterface } = process.getBuiltinModule('node:readline');
  const { Writable } = process.getBuiltinModule('node:stream');
  if (!isHidden) return createInterface({ input, terminal: false });
  // Raw mode: a terminal's own line mode cuts what is longer than 1,024 (macOS) or 4,096 bytes, and redirect URLs can be.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
}
