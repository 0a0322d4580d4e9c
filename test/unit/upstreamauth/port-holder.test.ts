import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describePortHolder } from '../../../internal/upstreamauth/port-holder.ts';

let proc: string;
const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (address: string, state: string, uid: number, inode: number): string => `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'keyward-proc-'));
  mkdirSync(join(proc, 'net'));
  mkdirSync(join(proc, '4711', 'fd'), { recursive: true });
  writeFileSync(join(proc, '4711', 'comm'), 'no\u001bde\n');
  symlinkSync('socket:[900]', join(proc, '4711', 'fd', '21'));
  mkdirSync(join(proc, 'self'));
});

afterEach(() => rmSync(proc, { recursive: true, force: true }));

describe('who holds a port', () => {
  it('a program of this user is named, its name escaped', async () => {
    writeFileSync(join(proc, 'net', 'tcp'), `${head}${row('0100007F:D511', '0A', 1000, 900)}`);
    expect(await describePortHolder(0xd511, proc)).toBe(String.raw`by no\x1bde (pid 4711)`);
  });

  it.each([
    ['/opt/node/bin/node\0--no-warnings\0/srv/app/keyward.mjs\0serve\0', 'node keyward.mjs'],
    ['python3\0-c\0token = "s3cret"\0', 'python3'],
    ['/usr/bin/gateway\0--key\0s3cret\0', 'gateway'],
  ])('%j is named as %s, without its other arguments', async (line, name) => {
    writeFileSync(join(proc, 'net', 'tcp'), `${head}${row('0100007F:D511', '0A', 1000, 900)}`);
    writeFileSync(join(proc, '4711', 'comm'), 'MainThread\n');
    writeFileSync(join(proc, '4711', 'cmdline'), line);
    expect(await describePortHolder(0xd511, proc)).toBe(`by ${name} (pid 4711)`);
  });

  it('one on IPv6 alone is found too', async () => {
    writeFileSync(join(proc, 'net', 'tcp6'), `${head}${row('00000000000000000000000001000000:D511', '0A', 1000, 900)}`);
    expect(await describePortHolder(0xd511, proc)).toContain('(pid 4711)');
  });

  it('a program of another user is known by that user', async () => {
    writeFileSync(join(proc, 'net', 'tcp'), `${head}${row('0100007F:D511', '0A', 1001, 901)}`);
    expect(await describePortHolder(0xd511, proc)).toBe('by a program of another user (uid 1001)');
  });

  it('connections through the port and other ports hold nothing', async () => {
    writeFileSync(join(proc, 'net', 'tcp'), `${head}${row('0100007F:D511', '01', 1000, 900)}${row('0100007F:D512', '0A', 1000, 900)}`);
    expect(await describePortHolder(0xd511, proc)).toBe('');
  });

  it('a system that does not tell is no failure', async () => {
    expect(await describePortHolder(0xd511, join(proc, 'nowhere'))).toBe('');
  });
});
