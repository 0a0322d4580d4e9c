import type { CliProcess } from '../process-env.ts';

/** The first Ctrl-C cancels in order; another one ends the process as ever. */
export function listenForInterrupt({ signals }: CliProcess): { readonly signal: AbortSignal; readonly stop: () => void } {
  const interrupted = new AbortController();
  const stop = (): void => {
    signals.off('SIGINT', onSignal);
    signals.off('SIGTERM', onSignal);
    signals.off('SIGHUP', onSignal);
  };
  const onSignal = (): void => {
    stop();
    interrupted.abort();
  };
  signals.on('SIGINT', onSignal);
  signals.on('SIGTERM', onSignal);
  signals.on('SIGHUP', onSignal);
  return { signal: interrupted.signal, stop };
}
