/** One instrument as `/metrics` shows it. */
export interface InstrumentRow {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, rising, without +Inf. */
  readonly buckets?: readonly number[];
  /** Distinct label sets kept; later ones count as `other`. Absent means 500. */
  readonly maxSeries?: number;
}

const latencySeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const;

/** THE table of instruments. Labels hold no client-supplied text but the model, which is capped. */
export const instruments = {
  keyward_exchanges_total: { kind: 'counter', help: 'Settled exchanges.', labels: ['dialect', 'operation', 'status', 'outcome'] },
  keyward_exchange_duration_seconds: { kind: 'histogram', help: 'Time from the complete request head to the end of the answer.', labels: ['dialect'], buckets: latencySeconds },
  keyward_exchange_first_byte_seconds: { kind: 'histogram', help: 'Time from the complete request head to the first byte of the answer.', labels: ['dialect'], buckets: latencySeconds },
  keyward_open_exchanges: { kind: 'gauge', help: 'Exchanges being served now.', labels: [] },
  keyward_open_sockets: { kind: 'gauge', help: 'WebSockets open now.', labels: ['endpoint'] },
  keyward_sockets_closed_total: { kind: 'counter', help: 'WebSockets that ended, by why: the client, its key, its budget, silence, age, a fault in its frames, the upstream, a stop.', labels: ['endpoint', 'reason'] },
  keyward_upstream_attempts_total: { kind: 'counter', help: 'Attempts against upstreams.', labels: ['provider', 'outcome'] },
  keyward_streams_truncated_total: { kind: 'counter', help: 'Streams that the upstream ended before their terminal mark.', labels: ['dialect'] },
  keyward_client_aborts_total: { kind: 'counter', help: 'Exchanges whose client left first.', labels: ['dialect'] },
  keyward_tokens_total: { kind: 'counter', help: 'Tokens of served exchanges; cached are part of input, reasoning part of output.', labels: ['model', 'kind'], maxSeries: 400 },
  keyward_door_refusals_total: { kind: 'counter', help: 'Requests refused at a door, by error code.', labels: ['door', 'code'] },
  keyward_config_reloads_total: { kind: 'counter', help: 'Reloads of the configuration.', labels: ['result'] },
  keyward_token_refreshes_total: { kind: 'counter', help: 'Token requests that keep logins fresh: ok, refused by the vendor, failed on the way, or lost (sent without a durable answer).', labels: ['provider', 'result'] },
  keyward_logins_total: { kind: 'counter', help: 'Logins at vendors that ended.', labels: ['provider', 'result'] },
  keyward_identity_unusual_total: { kind: 'counter', help: 'What approvals of logins look like when somebody phishes: many codes around one address, wrong ones, an approval far from the device.', labels: ['kind'] },
  keyward_auth_files: { kind: 'gauge', help: 'Files of the auth directory, used or refused.', labels: ['state'] },
  keyward_accounts: { kind: 'gauge', help: 'Upstream accounts by state.', labels: ['state'] },
  keyward_usage_rows_queued: { kind: 'gauge', help: 'Usage rows that wait in memory.', labels: [] },
  keyward_usage_rows_lost_total: { kind: 'counter', help: 'Usage rows that could not be kept.', labels: [] },
  keyward_audit_events_lost_total: { kind: 'counter', help: 'Audit events that could not be kept.', labels: [] },
  keyward_log_lines_dropped_total: { kind: 'counter', help: 'Log lines and request logs given up.', labels: ['sink'] },
  keyward_build_info: { kind: 'gauge', help: 'Always 1; the labels say what runs.', labels: ['version', 'node'] },

  process_cpu_seconds_total: { kind: 'counter', help: 'User and system CPU time spent in seconds.', labels: [] },
  process_resident_memory_bytes: { kind: 'gauge', help: 'Resident memory size in bytes.', labels: [] },
  process_heap_bytes: { kind: 'gauge', help: 'Used JavaScript heap in bytes.', labels: [] },
  process_external_memory_bytes: { kind: 'gauge', help: 'Memory of buffers outside the JavaScript heap in bytes.', labels: [] },
  process_start_time_seconds: { kind: 'gauge', help: 'Start time of the process since the Unix epoch in seconds.', labels: [] },
  nodejs_eventloop_utilization: { kind: 'gauge', help: 'Share of time the event loop was busy since the last scrape, 0 to 1.', labels: [] },
} as const satisfies Record<string, InstrumentRow>;

export type InstrumentName = keyof typeof instruments;
