import type { AuditLog } from '../audit/ports.ts';
import type { Clock } from '../clock/clock.ts';
import type { ConfigStore } from '../config/ports.ts';
import { issuesOrTrusts } from '../http/door-rules.ts';
import { setLatch } from '../http/client-auth-latch.ts';
import type { Logger } from '../log/logger.ts';
import { describeChange } from '../management/change.ts';
import type { ConfigViews } from '../management/ports.ts';
import type { Live } from './live.ts';

export interface ClientAuthDeps {
  readonly live: Live;
  readonly config: Pick<ConfigStore, 'current' | 'edit'>;
  readonly views: Pick<ConfigViews, 'masked'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Logger;
  readonly dataDir: string;
}

/** Keeps the door closed once tokens of people, machines or workloads count (security rule 2). */
export interface ClientAuth {
  /** Writes the line that the running config asks for, if it is missing. Never rejects. */
  readonly writeDown: () => Promise<void>;
  /** Resolves when nothing is being written. */
  readonly close: () => Promise<void>;
}

/**
 * The latch is set at once, at the start and when a reload brings the first trusted issuer; `client-auth: required` is written
 * into the file after it. A file that cannot be written is worth a warning and no failure: the latch has closed the door.
 */
export function keepClientAuth({ live, config, views, audit, clock, log, dataDir }: ClientAuthDeps): ClientAuth {
  let isLatchSet = false;
  let isStarted = false;
  let writing: Promise<void> = Promise.resolve();
  const isNeeded = (): boolean => issuesOrTrusts(live.snapshot().loaded.config);

  const closeDoor = (): void => {
    if (isLatchSet || !isNeeded()) return;
    isLatchSet = true;
    setLatch(dataDir);
    live.closeDoor();
  };

  const write = async (): Promise<void> => {
    const previous = config.current();
    if (!isNeeded() || previous.config['client-auth'] === 'required') return;
    const written = await config.edit([{ kind: 'set', path: ['client-auth'], value: 'required' }], { ifMatch: previous.hash });
    if (written.ok) {
      log.info('`client-auth: required` was written into the config: from now on every caller needs a credential');
      audit.append({ atMs: clock.nowMs(), action: 'config.changed', actor: 'keyward', from: 'daemon', requestId: '', code: '', target: 'client-auth', ...describeChange(views, previous, written.value) });
    } else if (written.error.code !== 'precondition_failed') log.warn({ err: written.error }, 'from now on every caller needs a credential, but `client-auth: required` could not be written into the config: add the line yourself');
  };
  const writeDown = (): Promise<void> => (writing = writing.then(write));

  closeDoor();
  live.onCommit((_snapshot, cause) => {
    if (cause !== 'config') return;
    try {
      closeDoor();
    } catch (err) {
      log.error({ err }, 'the mark that closes the door cannot be written; while this config is live the door is closed all the same');
      isLatchSet = false;
    }
    if (isStarted) void writeDown();
  });
  return {
    writeDown: () => {
      isStarted = true;
      return writeDown();
    },
    close: () => writing,
  };
}
