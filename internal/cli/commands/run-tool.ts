import { basename } from 'node:path';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { findCommand, runChild, shellCodes } from '../client/run-child.ts';
import { obtainRunKey, type RunKey } from '../client/run-key.ts';
import { toolArguments, toolEnvironment } from '../client/tool-environment.ts';
import { minute } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { printable } from '../table.ts';
import { listenForInterrupt } from './listen-for-interrupt.ts';

export interface RunFlags {
  readonly context?: string;
  readonly server?: string;
  readonly config?: string;
}

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Starts a tool with base URLs and a key of its own in its environment; the key ends with it. Exit code: the tool's. */
export async function runTool(cli: CliProcess, [command = '', ...args]: readonly string[], flags: RunFlags): Promise<number> {
  const found = findCommand(cli, command);
  if (found !== 'found') {
    cli.stderr.write(found === 'missing' ? `keyward: ${printable(command)} was not found; is it installed, and its folder in the PATH?\n` : `keyward: ${printable(command)} may not be executed; \`chmod +x\` it, or name its interpreter.\n`);
    return found === 'missing' ? shellCodes.notFound : shellCodes.notExecutable;
  }
  // A signal while the key is made must not leave it behind.
  const interrupted = listenForInterrupt(cli);
  const key = await obtainRunKey(cli, { context: flags.context, server: flags.server, config: flags.config, name: nameOf(command) }).finally(interrupted.stop);
  if (!key.ok) return reportRefusal(cli, false, key.error);
  try {
    for (const note of key.value.notes) cli.stderr.write(`keyward: ${printable(note)}\n`);
    if (interrupted.signal.aborted) return 130;
    return await runChild(cli, command, toolArguments(key.value, command, args), toolEnvironment(cli.env, key.value, command));
  } finally {
    await endKey(cli, key.value);
  }
}

function nameOf(command: string): string {
  return `run: ${printable(basename(command)).slice(0, 60)}`;
}

async function endKey(cli: CliProcess, { revoke, expiresAt }: RunKey): Promise<void> {
  if (revoke === undefined) return;
  // A few seconds at most, so that no Ctrl-C keeps it from happening.
  const ignore = (): void => undefined;
  for (const signal of ending) cli.signals.on(signal, ignore);
  const revoked = await revoke();
  for (const signal of ending) cli.signals.off(signal, ignore);
  if (!revoked.ok) cli.stderr.write(`keyward: the key of this run could not be revoked: ${printable(revoked.error)}. It ends by itself${expiresAt === '' ? '' : ` ${minute(expiresAt)}`}.\n`);
}
