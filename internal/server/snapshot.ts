import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigProblem } from '../config/problem.ts';
import type { DoorRules } from '../http/door-rules.ts';
import type { ProxySnapshot } from '../proxy/limits.ts';

/** All that a request needs of one config state; taken once, when its headers are complete. */
export interface Snapshot extends ProxySnapshot {
  readonly loaded: LoadedConfig;
  readonly door: DoorRules;
  /** What the doors and the accounts warn of. */
  readonly warnings: readonly ConfigProblem[];
}
