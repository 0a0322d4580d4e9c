import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { Connection } from '../load/connection.ts';
import { Children, type Child } from '../process/children.ts';
import { takeFreePort } from '../process/free-port.ts';
import { readCpuMs, readRssKb } from '../process/proc-stat.ts';
import { median } from '../quantile.ts';
import { showNumber } from '../report/numbers.ts';
import { writeSection, type Section } from '../report/section.ts';
import { renderTerminal } from '../report/terminal.ts';
import { clientKey, upstreamKey } from '../targets/target.ts';
import { openResult, turnsResult, type Place, type TurnsResult } from './jobs.ts';

/*
 * `npm run bench -- --sockets`: what open WebSockets cost, and a turn over one against the same turn over HTTP with SSE. The
 * upstream, the load and Keyward are processes of their own on loopback; rounds of both kinds take turns.
 */

const openCount = 2_000;
const activeCount = 200;
const rounds = 5;
const turnsEach = 10;
const binary = resolve(import.meta.dirname, '../../dist/keyward.mjs');

interface Round {
  readonly result: TurnsResult;
  readonly cpuUs: number;
}

interface Findings {
  readonly idleKb: number;
  readonly warmKb: number;
  readonly openKb: number;
  readonly afterKb: number;
  readonly handshakeUs: number;
  readonly alone: { readonly http: Round[]; readonly socket: Round[] };
  readonly crowd: { readonly http: Round[]; readonly socket: Round[] };
}

/** Runs it all; the exit code. */
export async function runSocketBench(isWriting: boolean): Promise<number> {
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'keyward-bench-sockets-'));
  const leave = (): void => void children.stopAll().finally(() => process.exit(130));
  process.once('SIGINT', leave);
  process.once('SIGTERM', leave);
  const loadBefore = loadavg()[0] ?? Number.NaN;
  try {
    const upstream = await children.forkProgram(join(import.meta.dirname, 'upstream.ts'), [], { cwd: folder, env: {}, outputPath: join(folder, 'upstream.log') });
    const { child: load } = await children.forkProgram(join(import.meta.dirname, 'load.ts'), [], { cwd: folder, env: {}, outputPath: join(folder, 'load.log') });
    const { child: daemon, place } = await startDaemon(children, folder, upstream.port);
    const findings = await measure(load, daemon, place);
    const text = describe(findings, loadBefore);
    process.stdout.write(`${text.head}\n${text.tables.map(renderTerminal).join('')}`);
    if (isWriting) writeSection('sockets', text);
    return 0;
  } finally {
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startDaemon(children: Children, folder: string, upstreamPort: number): Promise<{ readonly child: Child; readonly place: Place }> {
  const port = await takeFreePort();
  const home = join(folder, 'home');
  mkdirSync(home);
  const config = join(home, 'config.yaml');
  writeFileSync(config, `port: ${port}\nauth-dir: "./auth"\ndata-dir: "./data"\napi-keys: ["${clientKey}"]\nwebsocket: { max-open-per-client: ${openCount} }\ncodex-api-key:\n  - { api-key: "${upstreamKey}", base-url: "http://127.0.0.1:${upstreamPort}/v1", models: [{ name: bench }] }\n`, { mode: 0o600 });
  const child = children.spawn(process.execPath, [binary, 'serve', '--config', config], { cwd: home, env: { HOME: home }, outputPath: join(folder, 'daemon.log') });
  const place = { host: '127.0.0.1', port, headers: { Authorization: `Bearer ${clientKey}` } };
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 20) {
    if (child.hasEnded()) break;
    const connection = new Connection({ ...place, path: '/healthz' });
    const isUp = await connection.exchange(Buffer.from('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')).then(({ status }) => status === 200, () => false);
    connection.destroy();
    if (isUp) return { child, place };
    await sleep(20);
  }
  throw new Error(`Keyward did not start: ${child.lastWords()}`);
}

async function measure(load: Child, daemon: Child, place: Place): Promise<Findings> {
  const turns = async (via: 'http' | 'socket', active: number, count: number): Promise<Round> => {
    const cpuBefore = readCpuMs(daemon.pid);
    const result = v.parse(turnsResult, await ask(load, { kind: 'turns', place, via, active, turns: count }));
    return { result, cpuUs: ((readCpuMs(daemon.pid) - cpuBefore) * 1_000) / result.complete };
  };
  await sleep(1_000);
  const idleKb = readRssKb(daemon.pid);
  // What sockets load is loaded before they are counted; but no more, since a heap that has grown takes them in unseen.
  await ask(load, { kind: 'open', place, count: 8 });
  await turns('socket', 8, 1);
  await sleep(1_000);
  const warmKb = readRssKb(daemon.pid);
  const { p50Us: handshakeUs } = v.parse(openResult, await ask(load, { kind: 'open', place, count: openCount }));
  await sleep(3_000);
  const openKb = readRssKb(daemon.pid);
  for (let round = 0; round < 3; round += 1) {
    await turns('http', 8, 100);
    await turns('socket', 8, 100);
  }
  const findings: Findings = { idleKb, warmKb, openKb, afterKb: 0, handshakeUs, alone: { http: [], socket: [] }, crowd: { http: [], socket: [] } };
  for (let round = 0; round < rounds; round += 1) {
    for (const via of ['http', 'socket'] as const) {
      findings.alone[via].push(await turns(via, 1, 200));
      findings.crowd[via].push(await turns(via, activeCount, turnsEach));
    }
  }
  await sleep(1_000);
  return { ...findings, afterKb: readRssKb(daemon.pid) };
}

const answer = v.variant('ok', [v.object({ ok: v.literal(true), result: v.unknown() }), v.object({ ok: v.literal(false), message: v.string() })]);

function ask(load: Child, job: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`the load process ended: ${load.lastWords()}`));
    load.process.once('exit', onExit);
    load.process.once('message', (message: unknown) => {
      load.process.off('exit', onExit);
      const told = v.parse(answer, message);
      if (told.ok) resolve(told.result);
      else reject(new Error(told.message));
    });
    load.process.send(job);
  });
}

function describe(findings: Findings, loadBefore: number): Section {
  const { idleKb, warmKb, openKb, afterKb, handshakeUs, alone, crowd } = findings;
  const processors = cpus();
  const machine = `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`;
  const ms = (list: readonly Round[], pick: (result: TurnsResult) => number): string => showNumber(median(list.map(({ result }) => pick(result))) / 1_000, 2);
  const row = (title: string, list: readonly Round[]): readonly string[] => [
    title,
    ms(list, ({ firstP50Us }) => firstP50Us),
    ms(list, ({ p50Us }) => p50Us),
    ms(list, ({ p99Us }) => p99Us),
    showNumber(median(list.map(({ result }) => (result.complete * 1_000) / result.elapsedMs))),
    showNumber(median(list.map(({ cpuUs }) => cpuUs))),
    showNumber(list.reduce((sum, { result }) => sum + result.failed, 0)),
  ];
  return {
    head: `Measured ${new Date().toISOString().slice(0, 10)} with \`npm run bench -- --sockets\`, Node ${process.version}, ${machine}, load average ${loadBefore.toFixed(2)} before.`,
    tables: [
      {
        title: `A turn of 12 events, with ${showNumber(openCount)} sockets open`,
        columns: ['client', 'first event p50 ms', 'turn p50 ms', 'turn p99 ms', 'turns/s', 'CPU µs a turn', 'failed'],
        rows: [row('1 at a time, HTTP with SSE', alone.http), row('1 at a time, WebSocket', alone.socket), row(`${activeCount} at a time, HTTP with SSE`, crowd.http), row(`${activeCount} at a time, WebSocket`, crowd.socket)],
      },
      {
        title: 'Memory of the process',
        columns: ['state', 'MB', 'kB a socket'],
        rows: [
          ['idle, no socket yet', showNumber(idleKb / 1_024, 1), ''],
          ['8 sockets, a turn each', showNumber(warmKb / 1_024, 1), ''],
          [`${showNumber(openCount)} open, idle (handshake p50 ${showNumber(handshakeUs / 1_000, 2)} ms)`, showNumber(openKb / 1_024, 1), showNumber((openKb - warmKb) / (openCount - 8), 1)],
          ['after all turns', showNumber(afterKb / 1_024, 1), ''],
        ],
      },
    ],
  };
}
