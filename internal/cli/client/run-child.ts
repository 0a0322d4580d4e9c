import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as system } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { errorCode } from '../../files/synced-file.ts';
import type { ActedOnSignal } from '../daemon-port.ts';
import type { CliProcess } from '../process-env.ts';

/** As shells have it: what cannot be run, and what is not there. */
export const shellCodes = { notExecutable: 126, notFound: 127 } as const;

/** Whether a command is there, before anything is made for it. Windows has rules of its own, and tells at the start. */
export function findCommand({ env, cwd, platform }: Pick<CliProcess, 'env' | 'cwd' | 'platform'>, command: string): 'found' | 'missing' | 'not_executable' {
  if (platform === 'win32') return 'found';
  const places = command.includes('/') ? [resolve(cwd, command)] : (env['PATH'] ?? '').split(delimiter).map((folder) => join(isAbsolute(folder) ? folder : resolve(cwd, folder), command));
  const files = places.filter((place) => statSync(place, { throwIfNoEntry: false })?.isFile() === true);
  if (files.length === 0) return 'missing';
  return files.some(isExecutable) ? 'found' : 'not_executable';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const forwarded: readonly ActedOnSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
/** The terminal sends these to everything in front of it: the child has them already. */
const ofTerminal: ReadonlySet<ActedOnSignal> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Runs a command on this process's own terminal or pipes and resolves with its exit code: 128 + n where a signal ended it,
 * 126 or 127 where it did not start. Signals go on to it; this process outlives it.
 */
export function runChild({ signals, stdinIsTerminal, stderr }: Pick<CliProcess, 'signals' | 'stdinIsTerminal' | 'stderr'>, command: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: 'inherit', env });
    const listeners = forwarded.map((signal) => {
      const listener = (): void => {
        if (!stdinIsTerminal || !ofTerminal.has(signal)) child.kill(signal);
      };
      signals.on(signal, listener);
      return { signal, listener };
    });
    const finish = (exitCode: number): void => {
      for (const { signal, listener } of listeners) signals.off(signal, listener);
      done(exitCode);
    };
    child.once('error', (error) => {
      // A signal that could not be delivered is no end of it.
      if (child.pid !== undefined) return;
      stderr.write(`keyward: ${command} could not be started (${errorCode(error)})\n`);
      finish(errorCode(error) === 'ENOENT' ? shellCodes.notFound : shellCodes.notExecutable);
    });
    child.once('exit', (code, signal) => finish(code ?? 128 + (signal === null ? 0 : system.signals[signal])));
  });
}
