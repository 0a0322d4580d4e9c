import { describe, expect, it } from 'vitest';
import { instruments } from '../../../internal/metrics/instruments.ts';
import { createMetrics, type Metrics, type SettledExchange } from '../../../internal/metrics/metrics.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const create = (): Metrics => createMetrics({ clock: createManualClock(), version: '1.2.3', accountStates: () => ({ ready: 2, cooling: 1, needs_login: 3, disabled: 0 }), authFiles: () => ({ used: 4, refused: 1 }) });

const exchange = (change: Partial<SettledExchange> = {}): SettledExchange => ({
  dialect: 'openai-chat',
  operation: 'chat',
  status: 200,
  outcome: 'ok',
  latencyMs: 120,
  firstByteMs: 40,
  model: 'gpt-5-mini',
  inputTokens: 10,
  outputTokens: 5,
  reasoningTokens: 2,
  cachedTokens: 4,
  ...change,
});

const lines = (metrics: Metrics): readonly string[] => metrics.render().split('\n');

describe('/metrics', () => {
  it('counts an exchange with its durations and tokens', () => {
    const metrics = create();
    metrics.exchangeOpened();
    metrics.exchangeOpened();
    metrics.exchangeSettled(exchange());
    expect(lines(metrics)).toEqual(
      expect.arrayContaining([
        'keyward_exchanges_total{dialect="openai-chat",operation="chat",status="2xx",outcome="ok"} 1',
        'keyward_open_exchanges 1',
        'keyward_exchange_duration_seconds_bucket{dialect="openai-chat",le="0.1"} 0',
        'keyward_exchange_duration_seconds_bucket{dialect="openai-chat",le="0.25"} 1',
        'keyward_exchange_duration_seconds_bucket{dialect="openai-chat",le="+Inf"} 1',
        'keyward_exchange_duration_seconds_sum{dialect="openai-chat"} 0.12',
        'keyward_exchange_duration_seconds_count{dialect="openai-chat"} 1',
        'keyward_exchange_first_byte_seconds_sum{dialect="openai-chat"} 0.04',
        'keyward_tokens_total{model="gpt-5-mini",kind="input"} 10',
        'keyward_tokens_total{model="gpt-5-mini",kind="cached"} 4',
      ]),
    );
  });

  it('counts truncated streams and clients that left', () => {
    const metrics = create();
    metrics.exchangeSettled(exchange({ outcome: 'stream_truncated' }));
    metrics.exchangeSettled(exchange({ status: 499, outcome: 'client_closed' }));
    expect(lines(metrics)).toEqual(expect.arrayContaining(['keyward_streams_truncated_total{dialect="openai-chat"} 1', 'keyward_client_aborts_total{dialect="openai-chat"} 1']));
  });

  it('counts everything else it is told', () => {
    const metrics = create();
    metrics.attemptSettled('openai', 'failure');
    metrics.doorRefused('client', 'invalid_api_key');
    metrics.configReloaded('refused');
    metrics.tokenRefreshed('codex', 'refused');
    metrics.loginEnded('codex', 'done');
    metrics.identityUnusual('other_network');
    metrics.usageRowsQueued(7);
    metrics.usageRowsLost(3);
    metrics.auditEventsLost(2);
    metrics.logLinesDropped('file', 9);
    expect(lines(metrics)).toEqual(
      expect.arrayContaining([
        'keyward_upstream_attempts_total{provider="openai",outcome="failure"} 1',
        'keyward_door_refusals_total{door="client",code="invalid_api_key"} 1',
        'keyward_config_reloads_total{result="refused"} 1',
        'keyward_identity_unusual_total{kind="other_network"} 1',
        'keyward_usage_rows_queued 7',
        'keyward_usage_rows_lost_total 3',
        'keyward_audit_events_lost_total 2',
        'keyward_log_lines_dropped_total{sink="file"} 9',
        'keyward_accounts{state="ready"} 2',
        'keyward_accounts{state="cooling"} 1',
        'keyward_accounts{state="needs_login"} 3',
        'keyward_auth_files{state="used"} 4',
        'keyward_auth_files{state="refused"} 1',
        'keyward_token_refreshes_total{provider="codex",result="refused"} 1',
        'keyward_logins_total{provider="codex",result="done"} 1',
        `keyward_build_info{version="1.2.3",node="${process.versions.node}"} 1`,
      ]),
    );
  });

  it('shows every instrument of the table once, and each line parses', () => {
    const metrics = create();
    metrics.exchangeSettled(exchange());
    const page = lines(metrics);
    const helped = page.filter((line) => line.startsWith('# HELP ')).map((line) => line.split(' ')[2]);
    expect(new Set(helped)).toEqual(new Set(Object.keys(instruments)));
    expect(helped).toHaveLength(Object.keys(instruments).length);
    const sample = /^[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? -?[\d.e+-]+$/;
    expect(page.filter((line) => line !== '' && !line.startsWith('# ') && !sample.test(line))).toEqual([]);
  });

  it('model names cannot fill the memory: beyond a hundred they are counted as other', () => {
    const metrics = create();
    for (let n = 0; n < 5_000; n += 1) metrics.exchangeSettled(exchange({ model: `model-${n}` }));
    const models = lines(metrics).filter((line) => line.startsWith('keyward_tokens_total') && line.includes('kind="input"'));
    expect(models).toHaveLength(100);
    expect(models).toContain(`keyward_tokens_total{model="other",kind="input"} ${(5_000 - 99) * 10}`);
  });

  it('no label set can: other labels are capped too', () => {
    const metrics = create();
    for (let n = 0; n < 5_000; n += 1) metrics.doorRefused('client', `code_${n}`);
    const refusals = lines(metrics).filter((line) => line.startsWith('keyward_door_refusals_total{'));
    expect(refusals).toHaveLength(501);
    expect(refusals).toContain('keyward_door_refusals_total{door="other",code="other"} 4500');
  });

  it('a model name cannot break out of its label', () => {
    const metrics = create();
    metrics.exchangeSettled(exchange({ model: 'a"} 1\nevil{x="\\\u202e' }));
    expect(lines(metrics)).toContain(String.raw`keyward_tokens_total{model="a\"} 1\nevil{x=\"\\?",kind="input"} 10`);
  });

  it('a model that no account served takes no series', () => {
    const metrics = create();
    metrics.exchangeSettled(exchange({ model: '', status: 404, outcome: 'model_not_found' }));
    expect(lines(metrics).some((line) => line.startsWith('keyward_tokens_total{'))).toBe(false);
  });
});
