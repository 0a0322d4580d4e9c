import { existsSync, readFileSync } from 'node:fs';
import type { CliProcess } from '../process-env.ts';

/** What decides how a browser can be reached from here. */
export interface Surroundings {
  /** The SSH session that this runs in; undefined outside of one. */
  readonly ssh: SshSession | undefined;
  /** A container: redirects to its loopback addresses do not arrive, and it has no browser. */
  readonly isContainer: boolean;
  /** A graphical session that a browser could open in. */
  readonly hasDisplay: boolean;
}

/** How the person's machine reached this one; `''` where the session does not tell. */
export interface SshSession {
  readonly user: string;
  /** Address of this machine as the session was opened to it. */
  readonly host: string;
  /** Port of the SSH server. */
  readonly port: number;
}

/** The files whose presence or content tells of a container; tests hand in their own. */
export interface SystemFiles {
  readonly exists: (path: string) => boolean;
  /** `''` when it cannot be read. */
  readonly read: (path: string) => string;
}

export const systemFiles: SystemFiles = {
  exists: existsSync,
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  },
};

export function detectSurroundings(cli: Pick<CliProcess, 'env' | 'platform'>, files: SystemFiles = systemFiles): Surroundings {
  return { ssh: detectSsh(cli.env), isContainer: detectContainer(cli.env, files), hasDisplay: detectDisplay(cli) };
}

/** What a person has to type on the machine with the browser, so that redirects to `port` there arrive here. */
export function tunnelCommand(ssh: SshSession, port: number): string {
  const server = ssh.port === 22 ? '' : `-p ${ssh.port} `;
  return `ssh ${server}-L ${port}:127.0.0.1:${port} ${ssh.user === '' ? '<user>' : ssh.user}@${ssh.host === '' ? '<this machine>' : ssh.host}`;
}

/** @see https://man.openbsd.org/ssh#ENVIRONMENT SSH_CONNECTION is client address, client port, server address, server port. */
function detectSsh(env: CliProcess['env']): SshSession | undefined {
  const connection = env['SSH_CONNECTION'] ?? '';
  if (connection === '' && (env['SSH_TTY'] ?? '') === '') return undefined;
  const [, , host = '', port = ''] = connection.split(' ');
  const user = env['USER'] ?? env['LOGNAME'] ?? '';
  // The line is meant for a shell: nothing goes into it that a shell would read as more than a word.
  return { user: /^[\w.][\w.-]*$/.test(user) ? user : '', host: /^[\da-f.:]+(?:%[\w.-]+)?$/i.test(host) ? host : '', port: /^\d{1,5}$/.test(port) ? Number(port) : 22 };
}

function detectContainer(env: CliProcess['env'], files: SystemFiles): boolean {
  if ((env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' || (env['container'] ?? '') !== '') return true;
  if (files.exists('/.dockerenv') || files.exists('/run/.containerenv')) return true;
  // Only version 1 hierarchies and some runtimes name the container here; the others are found above.
  return /docker|containerd|kubepods|libpod|lxc/.test(files.read('/proc/1/cgroup'));
}

function detectDisplay({ env, platform }: Pick<CliProcess, 'env' | 'platform'>): boolean {
  if (platform === 'darwin' || platform === 'win32') return true;
  return (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
}
