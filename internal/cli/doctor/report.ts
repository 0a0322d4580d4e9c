/** One thing doctor found. `error` keeps the daemon from starting or from serving; `warning` is worth a change. */
export interface Finding {
  readonly level: 'error' | 'warning' | 'info';
  /** Stable, for scripts. */
  readonly code: string;
  readonly message: string;
  /** What to do, one sentence; empty where there is nothing to do. */
  readonly fix: string;
}

/** Who holds the port the config names. */
export type PortState =
  | { readonly kind: 'free' }
  | { readonly kind: 'keyward'; readonly version: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'refused'; readonly reason: string };

/** What `keyward doctor --json` prints; member names are wire spellings. */
export interface DoctorReport {
  readonly version: string;
  readonly node: string;
  readonly config: { readonly path: string; readonly found_by: string; readonly exists: boolean; readonly valid: boolean };
  readonly paths: { readonly data_dir: string; readonly auth_dir: string; readonly control_socket: string } | null;
  readonly listen: { readonly addresses: readonly string[]; readonly port: number; readonly tls: boolean; readonly state: PortState } | null;
  readonly clients: { readonly keys: number; readonly open_mode: boolean } | null;
  readonly management: { readonly enabled: boolean; readonly secret: string; readonly remote: boolean; readonly listen: string } | null;
  readonly secrets: readonly { readonly path: string; readonly origin: string; readonly masked: string }[];
  readonly upstreams: readonly { readonly origin: string; readonly name: string; readonly base_url: string; readonly prefix: string; readonly models: string; readonly disabled: boolean }[];
  /** Usable files of the auth directory. */
  readonly accounts: readonly { readonly file: string; readonly provider: string; readonly account: string; readonly state: string; readonly prefix: string; readonly sealed: boolean; readonly problem: string }[];
  readonly findings: readonly Finding[];
}

/** True when a finding should end the command with 1. */
export function hasErrors(report: DoctorReport): boolean {
  return report.findings.some((finding) => finding.level === 'error');
}
