import type { Endpoint } from '../load/jobs.ts';
import type { Child, Children } from '../process/children.ts';

export type TargetId = 'direct' | 'floor' | 'nginx' | 'portkey' | 'keyward-open' | 'keyward' | 'keyward-managed' | 'keyward-login' | 'keyward-translated' | 'keyward-100k';

/** Where and against what a target is started. */
export interface Place {
  readonly children: Children;
  /** The simulated upstream itself. */
  readonly upstream: Endpoint;
  /** An empty folder of its own, removed at the end. */
  readonly folder: string;
}

export interface Launched {
  readonly child: Child;
  readonly endpoint: Endpoint;
}

/** Something that is measured. */
export interface TargetKind {
  readonly id: TargetId;
  /** As it stands in the tables. */
  readonly title: string;
  /** Why it cannot take part here, or undefined. May install what it needs. */
  readonly prepare: () => string | undefined;
  /** Starts a fresh process and does not wait until it serves. */
  readonly launch: (place: Place) => Promise<Launched>;
  readonly startLimitMs: number;
}

/** A target that serves. */
export interface Target {
  readonly kind: Pick<TargetKind, 'id' | 'title'>;
  readonly endpoint: Endpoint;
  /** Undefined for direct, which has no process of its own. */
  readonly pid: number | undefined;
}

export const clientKey = 'sk-bench-client-8f1d0c7a52e94b36a1f7c0de';
export const upstreamKey = 'sk-bench-upstream';

/** A loopback endpoint that takes the bench's client key. */
export function keyedEndpoint(port: number, path: string): Endpoint {
  return { host: '127.0.0.1', port, path, headers: { Authorization: `Bearer ${clientKey}` } };
}

export function originOf(endpoint: Endpoint): string {
  return `http://${endpoint.host}:${endpoint.port}`;
}
