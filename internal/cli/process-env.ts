import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import { openLines, type LineReader } from './line-reader.ts';
import type { Output, SignalSource } from './daemon-port.ts';

/** What a command knows of the process it runs in; nothing else in Keyward reads `process.env`. */
export interface CliProcess {
  /** Without the binary and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads standard input to its end. */
  readonly readStdin: () => Promise<string>;
  /** Standard input line by line, from now on; with `isHidden` a terminal does not show what is typed or pasted. */
  readonly openLines: (options: { readonly isHidden: boolean }) => LineReader;
  readonly stdinIsTerminal: boolean;
  readonly stdout: Output;
  /** Resolves when what was written to standard output has been taken; false when nobody reads it any more, as behind `| head`. */
  readonly drained: () => Promise<boolean>;
  readonly stderr: Output;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  readonly cwd: string;
  readonly home: string;
  /** `24.21.0` */
  readonly nodeVersion: string;
  readonly platform: NodeJS.Platform;
  /** Numeric user id; undefined on Windows. */
  readonly uid: number | undefined;
  readonly signals: SignalSource;
  /** Of the binary, from package.json. */
  readonly version: string;
}

/** The process as it is. */
export function readProcess(version: string): CliProcess {
  return {
    argv: process.argv.slice(2),
    env: process.env,
    readStdin: readAll,
    openLines: ({ isHidden }) => openLines(process.stdin, { isHidden: isHidden && isatty(0), interrupt }),
    stdinIsTerminal: isatty(0),
    stdout: process.stdout,
    drained,
    // Made by Node when it is first asked for.
    get stderr() {
      return process.stderr;
    },
    stdoutIsTerminal: isatty(1),
    stderrIsTerminal: isatty(2),
    get columns() {
      return isatty(1) ? process.stdout.columns : 80;
    },
    cwd: process.cwd(),
    home: homedir(),
    nodeVersion: process.versions.node,
    platform: process.platform,
    uid: process.getuid?.(),
    signals: process,
    version,
  };
}

function drained(): Promise<boolean> {
  return new Promise((resolve) => {
    // Without a listener the error, which comes after the callback, would end the process with a stack.
    const onError = (): void => resolve(false);
    process.stdout.on('error', onError);
    process.stdout.write('', (error) => {
      const isTaken = error === undefined || error === null;
      if (isTaken) process.stdout.off('error', onError);
      resolve(isTaken);
    });
  });
}

/** What the terminal makes of Ctrl-C while it is in its ordinary mode. */
function interrupt(): void {
  if (!process.emit('SIGINT')) process.kill(process.pid, 'SIGINT');
}

async function readAll(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}
