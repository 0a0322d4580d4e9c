import { setTimeout as sleep } from 'node:timers/promises';
import type { Children } from '../../../bench/process/children.ts';
import type { Kill, StopWindow } from '../record.ts';
import { readLedgers } from './intents.ts';
import type { Instance, Setting, Target } from './target.ts';

/** One daemon over all its starts. */
export interface Member {
  readonly setting: Setting;
  /** Undefined while it is down. */
  readonly url: () => string | undefined;
  /** 0 while it is down. */
  readonly pid: () => number;
  /** It runs, and is not held. */
  readonly isFree: () => boolean;
  readonly start: () => Promise<void>;
  /** SIGSTOP, and SIGCONT after `forMs`. */
  readonly hold: (forMs: number) => Promise<void>;
  /** SIGKILL; resolves when it listens again. */
  readonly killAndRestart: () => Promise<void>;
  /** SIGTERM; resolves when it has ended. */
  readonly end: () => Promise<void>;
  /** SIGKILL without waiting, for the way out; it ends a held process too. */
  readonly killNow: () => void;
}

export interface FleetRecord {
  readonly stops: StopWindow[];
  readonly kills: Kill[];
  /** Daemons that ended without being told to, or not well when they were. */
  readonly badEndings: string[];
}

/** A signal takes effect when the kernel next looks at the process. */
const signalMs = 3;
const startTries = 3;

export function createMember(children: Children, target: Target, setting: Setting, record: FleetRecord): Member {
  const { name } = setting;
  let instance: Instance | undefined;
  let startCount = 0;
  let isBusy = false;
  const signal = (which: NodeJS.Signals): void => void instance?.child.process.kill(which);

  /** The port may be taken between being chosen and being opened on the second loopback address. */
  const start = async (): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        instance = await target.start(children, setting, startCount++);
        return;
      } catch (cause) {
        if (tries === startTries) throw cause;
      }
    }
  };
  const noteEnding = (): void => {
    if (instance?.child.hasEnded() === true) record.badEndings.push(`${name} ended by itself: ${instance.child.lastWords()}`);
  };

  return {
    setting,
    url: () => instance?.url,
    pid: () => instance?.child.pid ?? 0,
    isFree: () => !isBusy && instance?.child.hasEnded() === false,
    start,
    hold: async (forMs) => {
      isBusy = true;
      const fromMs = Date.now();
      signal('SIGSTOP');
      await sleep(forMs);
      signal('SIGCONT');
      record.stops.push({ daemon: name, fromMs, toMs: Date.now() });
      isBusy = false;
    },
    killAndRestart: async () => {
      if (instance === undefined || instance.child.hasEnded()) return;
      isBusy = true;
      const { child } = instance;
      // Held first: what its intents say then is what it dies with.
      const atMs = Date.now();
      signal('SIGSTOP');
      await sleep(signalMs);
      const intents = readLedgers(setting.authDir).intents.filter(({ pid }) => pid === 0 || pid === child.pid);
      const ended = new Promise((resolve) => child.process.once('exit', resolve));
      signal('SIGKILL');
      await ended;
      instance = undefined;
      await start();
      record.kills.push({ daemon: name, atMs, upAgainMs: Date.now(), intents });
      isBusy = false;
    },
    end: async () => {
      if (instance === undefined) return;
      noteEnding();
      const { child } = instance;
      if (child.hasEnded()) return;
      await child.stop();
      const { exitCode, signalCode } = child.process;
      if (exitCode !== 0) record.badEndings.push(`${name} ended with ${exitCode ?? signalCode} when it was told to stop: ${child.lastWords()}`);
    },
    killNow: () => {
      if (instance?.child.hasEnded() === false) signal('SIGKILL');
    },
  };
}
