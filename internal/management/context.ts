import type { Context } from 'hono';
import type { AuditLog } from '../audit/ports.ts';
import type { Clock } from '../clock/clock.ts';
import type { Scope } from '../clients/grant.ts';
import type { ApprovalCodes } from '../authserver/people/approval-codes.ts';
import type { DeviceApprovals } from '../authserver/people/ports.ts';
import type { OAuthClients } from '../clients/issued/client-service.ts';
import type { Sessions } from '../clients/issued/session-service.ts';
import type { ManagedKeyService } from '../clients/managed-keys/service.ts';
import type { Principal } from '../clients/principal.ts';
import type { ConfigStore } from '../config/ports.ts';
import { AppError } from '../fault/app-error.ts';
import type { Peer } from '../http/inbound.ts';
import type { LogFiles } from '../log/ports.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Router, RoutingTable } from '../routing/ports.ts';
import type { UsageRecorder } from '../usage/ports.ts';
import type { UsageStore } from '../usage/store.ts';
import type { AccountParts, ConfigViews, DaemonStatus } from './ports.ts';

/** Everything management works with; made once by the daemon. */
export interface ManagementDeps {
  readonly config: ConfigStore;
  readonly views: ConfigViews;
  readonly usageStore: UsageStore;
  readonly usageRecorder: Pick<UsageRecorder, 'flush'>;
  readonly audit: AuditLog;
  readonly clientKeys: ManagedKeyService;
  /** Undefined while `identity.enabled` is false. */
  readonly identity?: { readonly clients: OAuthClients; readonly sessions: Sessions; readonly rotateSigningKey: () => string; readonly devices: DeviceApprovals; readonly approvalCodes: ApprovalCodes } | undefined;
  readonly logs: LogFiles;
  readonly router: Pick<Router, 'explain' | 'resetCooldowns' | 'states'>;
  /** The table of the live config. */
  readonly routingTable: () => RoutingTable;
  readonly accounts: AccountParts;
  readonly daemon: () => DaemonStatus;
  readonly metrics: Pick<Metrics, 'loginEnded'>;
  readonly clock: Clock;
  /** Who has this id by a credential that stands in no config; for `explain`. */
  readonly principalOf?: ((id: string) => Principal | undefined) | undefined;
  /** Random per process. Entity tags are keyed with it, so that a tag tells nothing of the secrets it covers. */
  readonly tagSecret: string;
}

/** Who is calling. Access to management is decided before a handler runs. */
export interface ManagementCall {
  readonly principal: Principal;
  readonly peer: Pick<Peer, 'address'>;
  /** The `x-request-id`. */
  readonly requestId: string;
  /** What the route's pattern captured, as sent. */
  readonly params: Readonly<Record<string, string>>;
}

/** Throws `AppError` for every refusal; whoever mounts the row renders it. */
export type ManagementHandler = (c: Context, call: ManagementCall) => Response | Promise<Response>;

export interface ManagementRoute {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';
  /** Below `/v0/management`, `:name` captures one segment. */
  readonly path: string;
  /** What a key must be allowed to call it; `root`: no key may, the management secret alone. */
  readonly scope: Scope | 'root';
  readonly handle: ManagementHandler;
}

export const managementBase = '/v0/management';

/** Root is the management secret and the owner's control socket; all other principals hold less (security rules 20, 21). */
export function isRoot(principal: Principal): boolean {
  return principal.kind === 'root';
}

/** Errors: `root_required`. `what` completes "Only the root management secret may …". */
export function requireRoot(call: ManagementCall, what: string): void {
  if (!isRoot(call.principal)) throw new AppError('root_required', { message: `Only the root management secret may ${what}.` });
}
