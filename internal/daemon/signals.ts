import type { SignalSource } from './options.ts';

/** Resolves at the first SIGTERM or SIGINT, or when `signal` aborts; SIGHUP calls `onReload` meanwhile. */
export function waitForStop(source: SignalSource, handlers: { readonly onReload: () => void }, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      source.off('SIGTERM', stop);
      source.off('SIGINT', stop);
      source.off('SIGHUP', handlers.onReload);
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    source.on('SIGTERM', stop);
    source.on('SIGINT', stop);
    source.on('SIGHUP', handlers.onReload);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
