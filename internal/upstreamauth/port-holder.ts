import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { escapeForeign } from '../log/escape.ts';

/**
 * Who listens on a loopback port, as the rest of "port 54545 is in use": `by node (pid 4711)`, `by a program of another user
 * (uid 1001)`; `''` where the system does not tell (only Linux does, by /proc). `procPath` is for tests.
 * @see https://docs.kernel.org/networking/proc_net_tcp.html
 */
export async function describePortHolder(port: number, procPath: string = '/proc'): Promise<string> {
  const listeners = (await Promise.all(['tcp', 'tcp6'].map((table) => readListeners(join(procPath, 'net', table), port)))).flat();
  const [first] = listeners;
  if (first === undefined) return '';
  const pid = await findProcess(procPath, new Set(listeners.map(({ inode }) => `socket:[${inode}]`)));
  if (pid === undefined) return `by a program of another user (uid ${first.uid})`;
  return `by ${escapeForeign(await nameProgram(join(procPath, pid)), 64) || 'a program'} (pid ${pid})`;
}

/** `comm` alone is the main thread’s name, which interpreters change: Node calls its own "MainThread". No other argument is shown. */
async function nameProgram(folder: string): Promise<string> {
  const [program = '', ...args] = (await readFile(join(folder, 'cmdline'), 'utf8').catch(() => '')).split('\0');
  if (program === '') return (await readFile(join(folder, 'comm'), 'utf8').catch(() => '')).trim();
  const script = args.find((arg) => !arg.startsWith('-'));
  return [program, ...(script !== undefined && /^\S+\.(?:[cm]?[jt]s|py)$/.test(script) ? [script] : [])].map((path) => basename(path)).join(' ');
}

interface ListeningSocket {
  readonly inode: string;
  readonly uid: string;
}

const listening = '0A';

async function readListeners(path: string, port: number): Promise<readonly ListeningSocket[]> {
  const table = await readFile(path, 'utf8').catch(() => '');
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const found: ListeningSocket[] = [];
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [, local = '', , state, , , , uid = '', , inode = ''] = columns;
    if (state === listening && local.endsWith(wanted)) found.push({ inode, uid });
  }
  return found;
}

/** The process that has one of the sockets open; undefined when it is another user's. */
async function findProcess(procPath: string, sockets: ReadonlySet<string>): Promise<string | undefined> {
  const pids = (await readdir(procPath).catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const folder = join(procPath, pid, 'fd');
    for (const descriptor of await readdir(folder).catch(() => [])) {
      const target = await readlink(join(folder, descriptor)).catch(() => '');
      if (sockets.has(target)) return pid;
    }
  }
  return undefined;
}
