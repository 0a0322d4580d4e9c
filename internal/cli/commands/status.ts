import { askDaemon, describeControlFailure } from '../control.ts';
import { findControlSocket } from '../data-dir.ts';
import type { CliProcess } from '../process-env.ts';
import { renderJson } from '../render.ts';
import { exitCodes } from '../run.ts';

export interface StatusFlags {
  readonly config?: string;
  readonly json: boolean;
}

/** Prints the answer of `GET /v0/management/status`; 1 when no daemon gives one. */
export function showStatus(cli: CliProcess, flags: StatusFlags): Promise<number> {
  return printAnswer(cli, flags, '/v0/management/status');
}

/** Asks the running daemon for `path` and prints its JSON, for a person as `render` says or, with `--json`, as one line. */
export async function printAnswer(cli: CliProcess, flags: StatusFlags, path: string, render: (answer: unknown) => string = renderJson): Promise<number> {
  const socket = findControlSocket(cli, flags.config);
  if (!socket.ok) {
    cli.stderr.write(`keyward: ${socket.error}\n`);
    return exitCodes.failed;
  }
  const answer = await askDaemon(socket.value, path);
  if (!answer.ok) {
    cli.stderr.write(`keyward: ${describeControlFailure(answer.error, socket.value)}\n`);
    return exitCodes.failed;
  }
  cli.stdout.write(flags.json ? `${JSON.stringify(answer.value)}\n` : render(answer.value));
  return exitCodes.ok;
}
