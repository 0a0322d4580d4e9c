import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from './agent.ts';

/** The folder of one agent, one version: nothing else is in it, so a new version never meets leftovers of the old. */
function folderOf(root: string, agent: Agent): string {
  return join(root, `${agent.package.replace(/^@/, '').replaceAll('/', '-')}-${agent.version}`);
}

export function programOf(root: string, agent: Agent): string {
  return join(folderOf(root, agent), 'node_modules', '.bin', agent.program);
}

/** Installs the agent where its exact version is not there yet. Returns what went wrong, undefined where it is there now. */
export function install(root: string, agent: Agent): string | undefined {
  const folder = folderOf(root, agent);
  if (isComplete(folder, agent)) return undefined;
  mkdirSync(folder, { recursive: true });
  const manifest = { private: true, dependencies: { [agent.package]: agent.version }, allowScripts: { [agent.package]: agent.hasInstallScript } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) return `npm ended with ${status}: ${stderr.trim()}`;
  // npm versions differ in whether they run install scripts at all; both packages' are harmless to run twice.
  if (agent.hasInstallScript) runInstallScript(folder, agent);
  return isComplete(folder, agent) ? undefined : 'npm ended well, but the program is not there';
}

function runInstallScript(folder: string, agent: Agent): void {
  const packageFolder = join(folder, 'node_modules', agent.package);
  const manifest: { readonly scripts?: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const script = manifest.scripts?.['postinstall'];
  if (script !== undefined) spawnSync('sh', ['-c', script], { cwd: packageFolder, stdio: 'ignore' });
}

function isComplete(folder: string, agent: Agent): boolean {
  const manifestPath = join(folder, 'node_modules', agent.package, 'package.json');
  if (!existsSync(manifestPath) || !existsSync(join(folder, 'node_modules', '.bin', agent.program))) return false;
  const manifest: { readonly version?: string } = JSON.parse(readFileSync(manifestPath, 'utf8'));
  return manifest.version === agent.version;
}
