import { describe, expect, it } from 'vitest';
import { detectSurroundings, tunnelCommand, type SystemFiles } from '../../../internal/cli/accounts/surroundings.ts';

const bare: SystemFiles = { exists: () => false, read: () => '0::/init.scope\n' };

function detect(env: Readonly<Record<string, string>>, files: Partial<SystemFiles> = {}, platform: NodeJS.Platform = 'linux') {
  return detectSurroundings({ env, platform }, { ...bare, ...files });
}

describe('an SSH session', () => {
  it('is recognized by its connection, and the tunnel line names user and address as the session has them', () => {
    const { ssh } = detect({ SSH_CONNECTION: '198.51.100.9 50122 192.0.2.7 22', USER: 'ann' });
    expect(ssh && tunnelCommand(ssh, 54_545)).toBe('ssh -L 54545:127.0.0.1:54545 ann@192.0.2.7');
  });

  it('on another port than 22 the tunnel line has it', () => {
    const { ssh } = detect({ SSH_CONNECTION: '198.51.100.9 50122 2001:db8::7 2222', LOGNAME: 'b.o-b' });
    expect(ssh && tunnelCommand(ssh, 1_455)).toBe('ssh -p 2222 -L 1455:127.0.0.1:1455 b.o-b@2001:db8::7');
  });

  it('is recognized by its terminal alone; what is not known stands as a blank to fill in', () => {
    const { ssh } = detect({ SSH_TTY: '/dev/pts/3' });
    expect(ssh && tunnelCommand(ssh, 8_085)).toBe('ssh -L 8085:127.0.0.1:8085 <user>@<this machine>');
  });

  it('nothing that a shell reads as more than a word gets into the line', () => {
    const { ssh } = detect({ SSH_CONNECTION: '1.1.1.1 1 $(reboot) 22;x', USER: '-oProxyCommand=x' });
    expect(ssh && tunnelCommand(ssh, 1)).toBe('ssh -L 1:127.0.0.1:1 <user>@<this machine>');
  });

  it('a local terminal is none', () => {
    expect(detect({ USER: 'ann', TERM: 'xterm', SSH_AUTH_SOCK: '/tmp/agent', SSH_CONNECTION: '', SSH_TTY: '' }).ssh).toBeUndefined();
  });
});

describe('a container', () => {
  it.each([
    ['Docker’s file', {}, { exists: (path: string) => path === '/.dockerenv' }],
    ['Podman’s file', {}, { exists: (path: string) => path === '/run/.containerenv' }],
    ['Kubernetes’ variable', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, {}],
    ['the variable that runtimes set', { container: 'podman' }, {}],
    ['the control group of the first process', {}, { read: (path: string) => (path === '/proc/1/cgroup' ? '1:cpu:/docker/0123abc\n' : '') }],
    ['a pod’s control group', {}, { read: () => '0::/kubepods.slice/kubepods-besteffort.slice\n' }],
  ])('is recognized by %s', (_by, env, files) => {
    expect(detect(env, files).isContainer).toBe(true);
  });

  it('a plain machine is none, also where no control group can be read', () => {
    expect(detect({}).isContainer).toBe(false);
    expect(detect({}, { read: () => '' }).isContainer).toBe(false);
  });
});

describe('a display', () => {
  it.each([
    ['linux', {}, false],
    ['linux', { DISPLAY: ':0' }, true],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, true],
    ['linux', { DISPLAY: '' }, false],
    ['darwin', {}, true],
    ['win32', {}, true],
  ] as const)('on %s with %j: %s', (platform, env, hasDisplay) => {
    expect(detect(env, {}, platform).hasDisplay).toBe(hasDisplay);
  });
});
