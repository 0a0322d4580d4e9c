import { accountsFromConfig } from '../accounts/from-config.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import { locateProblems } from '../config/locate.ts';
import type { PrepareConfig } from '../config/ports.ts';
import { err, ok } from '../fault/result.ts';
import { buildDoorRules, refuseSilentOpening, type DoorProcess } from '../http/door-rules.ts';
import { proxyLimits } from '../proxy/limits.ts';
import { buildRoutingTable } from '../routing/table.ts';
import type { Snapshot } from '../server/snapshot.ts';

/** The one cell that a reload swaps; requests read it once each. */
export interface Live {
  /** Throws before the first config is committed: a mistake of ours. */
  readonly snapshot: () => Snapshot;
  readonly prepare: PrepareConfig;
  /** Called after every commit, the first included. */
  readonly onCommit: (listener: (snapshot: Snapshot) => void) => void;
}

/** Builds what derives from a config beside what runs; `commit` is one assignment (ADR 0003). */
export function createLive(process: DoorProcess): Live {
  let current: Snapshot | undefined;
  const listeners: ((snapshot: Snapshot) => void)[] = [];
  return {
    snapshot: () => {
      if (current === undefined) throw new TypeError('no config is live yet');
      return current;
    },
    onCommit: (listener) => void listeners.push(listener),
    prepare: (next: LoadedConfig) => {
      const door = buildDoorRules(next, process);
      if (!door.ok) return err(door.error);
      const opened = refuseSilentOpening(current?.door, door.value.rules, next, process);
      if (opened.length > 0) return err(opened);
      const { accounts, warnings } = accountsFromConfig(next.config);
      const allWarnings = locateProblems(next.text, [...door.value.warnings, ...warnings]);
      const snapshot: Snapshot = { loaded: next, warnings: allWarnings, door: door.value.rules, routes: buildRoutingTable(accounts, next.config), limits: proxyLimits(next.config) };
      return ok({
        warnings: allWarnings,
        commit: () => {
          current = snapshot;
          for (const listener of listeners) listener(snapshot);
        },
      });
    },
  };
}
