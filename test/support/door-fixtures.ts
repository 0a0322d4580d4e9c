import type { IncomingHttpHeaders } from 'node:http';
import * as v from 'valibot';
import type { Scope } from '../../internal/clients/grant.ts';
import type { LoadedConfig } from '../../internal/config/loaded.ts';
import { settings } from '../../internal/config/schema.ts';
import type { AppError } from '../../internal/fault/app-error.ts';
import type { Caller, Decision, Refusal } from '../../internal/http/door.ts';
import { createDoor, type Door, type DoorDeps } from '../../internal/http/door.ts';
import { buildDoorRules, type DoorProcess, type DoorRules } from '../../internal/http/door-rules.ts';
import type { Access, Peer } from '../../internal/http/inbound.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

/** A decoded config with these settings, as the loader would hand it over. */
export function loadedWith(file: Readonly<Record<string, unknown>>): LoadedConfig {
  return {
    path: '/etc/keyward/config.yaml',
    text: '',
    hash: '',
    config: v.parse(settings, file),
    warnings: [],
    ignoredKeys: [],
    secretOrigins: new Map(),
    apiKeysExplicitlyEmpty: Array.isArray(file['api-keys']) && file['api-keys'].length === 0,
    authDir: '/etc/keyward/auth',
    dataDir: '/var/lib/keyward',
  };
}

export function rulesOf(file: Readonly<Record<string, unknown>>, process: DoorProcess = {}): DoorRules {
  const built = buildDoorRules(loadedWith(file), process);
  if (!built.ok) throw new Error(built.error.map((problem) => `${problem.path}: ${problem.message}`).join('\n'));
  return built.value.rules;
}

/** Paths and severities of what a config is told. */
export function judgeConfig(file: Readonly<Record<string, unknown>>, process: DoorProcess = {}): { readonly errors: readonly string[]; readonly warnings: readonly string[]; readonly text: string } {
  const built = buildDoorRules(loadedWith(file), process);
  const problems = built.ok ? built.value.warnings : built.error;
  const paths = problems.map((problem) => problem.path);
  return { errors: built.ok ? [] : paths, warnings: built.ok ? paths : [], text: problems.map((problem) => problem.message).join('\n') };
}

export const localPeer: Peer = { address: '127.0.0.1', isLocal: true, isControlSocket: false, throttleKey: '127.0.0.1' };
export const remotePeer: Peer = { address: '203.0.113.9', isLocal: false, isControlSocket: false, throttleKey: '203.0.113.9' };

export interface Ask {
  readonly access?: 'open' | 'client' | 'management' | 'metrics';
  /** Of the route. */
  readonly scope?: Scope;
  readonly isUpgrade?: boolean;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: IncomingHttpHeaders;
  readonly peer?: Peer;
}

export function callerOf(rules: DoorRules, ask: Ask): Caller {
  return {
    access: accessOf(ask),
    isUpgrade: ask.isUpgrade ?? false,
    method: ask.method ?? 'POST',
    target: { path: ask.path ?? '/v1/chat/completions', query: ask.query ?? '' },
    headers: { host: 'localhost:8317', ...ask.headers },
    peer: ask.peer ?? localPeer,
    rules,
    requestId: 'req-1',
  };
}

function accessOf({ access = 'client', scope }: Ask): Access {
  const asked = scope === undefined ? {} : { scope };
  switch (access) {
    case 'open':
      return { kind: access };
    case 'client':
      return { kind: access, ...asked };
    case 'management':
      return { kind: access, ...asked };
    case 'metrics':
      return { kind: access, ...asked };
  }
}

export interface DoorBench {
  readonly door: Door;
  readonly clock: ManualClock;
  readonly refusals: readonly Refusal[];
  /** `ok <principal id>` or `<status> <code>`. */
  readonly ask: (rules: DoorRules, ask: Ask) => Promise<string>;
  readonly error: (rules: DoorRules, ask: Ask) => Promise<AppError>;
}

export function createDoorBench(deps: Partial<DoorDeps> = {}): DoorBench {
  const clock = createManualClock();
  const refusals: Refusal[] = [];
  const door = createDoor({ clock, onRefused: (refusal) => void refusals.push(refusal), ...deps });
  return {
    door,
    clock,
    refusals,
    ask: async (rules, ask) => describeDecision(await door.admit(callerOf(rules, ask))),
    error: async (rules, ask) => {
      const decision = await door.admit(callerOf(rules, ask));
      if (decision.ok) throw new Error('expected a refusal');
      return decision.error;
    },
  };
}

export function describeDecision(decision: Decision): string {
  return decision.ok ? `ok ${decision.value.principal.id}` : `${decision.error.status} ${decision.error.code}`;
}

/** Lets promises that need no time settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
