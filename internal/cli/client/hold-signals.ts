import type { CliProcess } from '../process-env.ts';

/**
 * Sees `work` through although Ctrl-C or SIGTERM comes: a token that was sent must be answered and kept. The signal after
 * the first ends the process as ever.
 */
export async function holdSignals<T>({ signals, stderr }: Pick<CliProcess, 'signals' | 'stderr'>, work: () => Promise<T>): Promise<T> {
  const stop = (): void => {
    signals.off('SIGINT', onSignal);
    signals.off('SIGTERM', onSignal);
    signals.off('SIGHUP', onSignal);
  };
  const onSignal = (): void => {
    stop();
    stderr.write('keyward: finishing what was begun with the server; once more breaks it off and may cost the login\n');
  };
  signals.on('SIGINT', onSignal);
  signals.on('SIGTERM', onSignal);
  signals.on('SIGHUP', onSignal);
  try {
    return await work();
  } finally {
    stop();
  }
}
