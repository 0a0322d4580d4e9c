import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { controlSocketPath } from '../../../internal/cli/control.ts';
import type { DoctorReport } from '../../../internal/cli/doctor/report.ts';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

const key = 'kw_0123456789abcdefghijklmnopqrstuvwxyz';

async function run(cli: FakeProcess): Promise<number> {
  return runCli(cli, () => Promise.reject(new Error('the daemon must not start')));
}

/** Runs `doctor --json` on a config whose port is free unless the text says otherwise. */
async function examine(text: string, env: Readonly<Record<string, string>> = {}): Promise<{ readonly code: number; readonly report: DoctorReport; readonly out: string }> {
  const cli = createFakeProcess(['doctor', '--config', 'config.yaml', '--json'], { env });
  writeFileSync(join(cli.cwd, 'config.yaml'), `data-dir: ./data\nauth-dir: ./auth\n${text}`, { mode: 0o600 });
  const code = await run(cli);
  const report: DoctorReport = JSON.parse(cli.out());
  return { code, report, out: cli.out() };
}

const codes = (report: DoctorReport): readonly string[] => report.findings.map((finding) => finding.code);

async function listen(server: Server, at: string | number): Promise<number> {
  if (typeof at === 'string') server.listen(at);
  else server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('doctor', () => {
  it('a sound config has no errors and no warnings', async () => {
    const { code, report } = await examine(`port: 0\napi-keys: [${key}]\nopenai-compatibility:\n  - { name: local, base-url: "http://127.0.0.1:9/v1" }\n`);
    expect(report.findings.filter((finding) => finding.level !== 'info')).toEqual([]);
    expect(code).toBe(0);
  });

  it('shows effective paths, binds, doors, upstreams and where each secret comes from, masked', async () => {
    const { report, out } = await examine(
      `port: 0\napi-keys: [env:CLIENT_KEY]\nremote-management: { secret-key: "a-management-secret-in-the-file" }\nclaude-api-key:\n  - { api-key: sk-ant-0123456789abcdef, prefix: team, headers: { x.y: header-secret-0123456789 } }\n`,
      { CLIENT_KEY: key },
    );
    expect(report.paths?.data_dir).toMatch(/^\/.*\/data$/);
    expect(report.listen).toMatchObject({ addresses: ['127.0.0.1', '::1'], port: 0, state: { kind: 'free' } });
    expect(report.clients).toEqual({ keys: 1, open_mode: false });
    expect(report.management).toMatchObject({ enabled: true, secret: 'config', remote: false });
    expect(report.upstreams).toEqual([{ origin: 'claude-api-key.0', name: 'claude', base_url: 'https://api.anthropic.com', prefix: 'team', models: 'any', disabled: false }]);
    expect(report.secrets).toEqual(
      expect.arrayContaining([
        { path: 'api-keys.0', origin: 'env:CLIENT_KEY', masked: 'kw_0…wxyz' },
        { path: 'claude-api-key.0.api-key', origin: 'plain', masked: 'sk-a…cdef' },
        { path: 'claude-api-key.0.headers.x.y', origin: 'plain', masked: 'head…6789' },
      ]),
    );
    for (const secret of [key, 'a-management-secret-in-the-file', 'sk-ant-0123456789abcdef', 'header-secret-0123456789']) expect(out).not.toContain(secret);
  });

  it('MANAGEMENT_PASSWORD is named as the secret in use', async () => {
    const { report } = await examine(`port: 0\napi-keys: [${key}]\nremote-management: { secret-key: other-secret-0123456789 }\n`, { MANAGEMENT_PASSWORD: 'from-the-environment-0123' });
    expect(report.management?.secret).toBe('MANAGEMENT_PASSWORD');
  });

  it('every problem of an invalid config is an error with its place, and ends with 1', async () => {
    const { code, report } = await examine('port: many\ndebug: perhaps\n');
    expect(code).toBe(1);
    expect(report.config.valid).toBe(false);
    expect(report.findings.map((finding) => finding.message)).toEqual([expect.stringMatching(/config\.yaml:3:\d+ port: /), expect.stringMatching(/config\.yaml:4:\d+ debug: /)]);
  });

  it('open mode off loopback is an error, on loopback a warning', async () => {
    const remote = await examine('port: 0\nhost: 0.0.0.0\n');
    const local = await examine('port: 0\n');
    expect([remote.code, local.code]).toEqual([1, 0]);
    expect(remote.report.findings).toContainEqual(expect.objectContaining({ level: 'error', message: expect.stringContaining('insecure-open-access') }));
    expect(local.report.clients?.open_mode).toBe(true);
  });

  it('a missing config is an error that names init', async () => {
    const cli = createFakeProcess(['doctor']);
    expect(await run(cli)).toBe(1);
    expect(cli.out()).toContain('keyward init');
  });

  it('a port that another program holds is an error', async () => {
    const port = await listen(createServer((_req, res) => res.end('hello')), 0);
    const { code, report } = await examine(`port: ${port}\napi-keys: [${key}]\n`);
    expect(code).toBe(1);
    expect(codes(report)).toContain('port-taken');
  });

  it('tells the daemon of this data-dir from another Keyward on the port', async () => {
    const port = await listen(createServer((_req, res) => res.end('{"name":"keyward","version":"1.0.0"}')), 0);
    const other = await examine(`port: ${port}\napi-keys: [${key}]\n`);
    expect(codes(other.report)).toContain('port-other-keyward');

    const cli = createFakeProcess(['doctor', '--config', 'config.yaml', '--json']);
    writeFileSync(join(cli.cwd, 'config.yaml'), `data-dir: ./data\nport: ${port}\napi-keys: [${key}]\n`, { mode: 0o600 });
    mkdirSync(join(cli.cwd, 'data'), { mode: 0o700 });
    await listen(createServer((_req, res) => res.end('{}')), controlSocketPath(join(cli.cwd, 'data')));
    expect(await run(cli)).toBe(0);
    const report: DoctorReport = JSON.parse(cli.out());
    expect(codes(report)).toContain('port-keyward');
  });

  it('certificate files that are not there are errors', async () => {
    const { code, report } = await examine(`port: 0\napi-keys: [${key}]\ntls: { enable: true, cert: ./cert.pem, key: ./key.pem }\n`);
    expect(code).toBe(1);
    expect(codes(report)).toEqual(expect.arrayContaining(['tls-cert-missing', 'tls-key-missing']));
  });

  it('for a person prints errors first, each with its fix', async () => {
    const port = await listen(createServer((_req, res) => res.end('hello')), 0);
    const cli = createFakeProcess(['doctor', '--config', 'config.yaml']);
    writeFileSync(join(cli.cwd, 'config.yaml'), `data-dir: ./data\nport: ${port}\nunknown-key: 1\napi-keys: [${key}]\n`, { mode: 0o600 });
    expect(await run(cli)).toBe(1);
    const findings = cli.out().slice(cli.out().indexOf('Findings'));
    expect(findings).toMatch(/^Findings\n {2}✘ error .*\n {13}→ Stop it, or change `port`\.\n/);
    expect(findings).toContain("config: ignored key 'unknown-key'");
    expect(findings).toMatch(/1 errors, \d+ warnings\n$/);
  });
});
