import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const bringUp = 'ip link set lo up && exec "$0" "$@"';

function namespaceArguments(): readonly string[] {
  // Without root, a user namespace lends the rights for a network namespace.
  return process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net'];
}

/** Why no network namespace can be had here; undefined where one can. */
export function whyNoNamespace(): string | undefined {
  const { status, stderr, error } = spawnSync('unshare', [...namespaceArguments(), 'sh', '-c', bringUp, 'true'], { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.trim() || `unshare ended with ${status}`;
}

/** Runs this script once more, in a network of its own that has nothing but loopback. Returns its exit code. */
export async function runWithLoopbackOnly(args: readonly string[]): Promise<number> {
  const child = spawn('unshare', [...namespaceArguments(), 'sh', '-c', bringUp, process.execPath, ...args], { stdio: 'inherit' });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  await once(child, 'exit');
  return child.exitCode ?? 130;
}
