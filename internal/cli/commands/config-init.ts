import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import { writeDurably } from '../../files/durable-write.ts';
import { errorCode } from '../../files/synced-file.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { chooseStore } from '../client/choose-store.ts';
import { findContext } from '../client/edit-contexts.ts';
import { revokeSession } from '../client/revoke.ts';
import { defaultServer, parseServer } from '../client/server-address.ts';
import { openServerHttp } from '../client/server-http.ts';
import { storeCredential, type StoredCredential } from '../client/store-credential.ts';
import { toolNames, toolSettings, type ToolName, type ToolSettings } from '../client/tool-settings.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface ConfigInitFlags {
  readonly server?: string;
  readonly key?: string;
  readonly context?: string;
  readonly write: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/** Sets up this machine as a client: a server and a key, or one tool's own settings. */
export async function initializeClient(cli: CliProcess, name: string | undefined, flags: ConfigInitFlags): Promise<number> {
  const server = serverOf(cli, flags);
  if (!server.ok) return reportRefusal(cli, flags.json, server.error);
  const tool = toolNames.find((each) => each === name);
  return tool === undefined ? keepKey(cli, server.value, flags) : setUpTool(cli, tool, server.value, flags);
}

function serverOf(cli: CliProcess, flags: ConfigInitFlags): Result<string, StoreRefusal> {
  if (flags.server !== undefined) return parseServer(flags.server);
  const context = findContext(cli, flags.context);
  if (!context.ok) return context.error.code === 'item_not_found' ? ok(defaultServer) : context;
  return ok(context.value?.server ?? defaultServer);
}

async function keepKey(cli: CliProcess, server: string, flags: ConfigInitFlags): Promise<number> {
  const kept = await storeKey(cli, server, flags);
  if (!kept.ok) return reportRefusal(cli, flags.json, kept.error);
  const { context } = kept.value;
  if (flags.json) cli.stdout.write(`${JSON.stringify({ status: 'ok', context, server })}\n`);
  else cli.stdout.write(`Kept a client key for ${server} as context ${context}, the current one. \`keyward token\` prints it; \`keyward run -- <command>\` starts a tool with it.\nNobody has tried it yet: \`keyward run -- sh -c 'curl -sf -H "Authorization: Bearer $OPENAI_API_KEY" "$OPENAI_BASE_URL/models"'\` does.\n`);
  return exitCodes.ok;
}

async function storeKey(cli: CliProcess, server: string, flags: ConfigInitFlags): Promise<Result<StoredCredential, StoreRefusal>> {
  if (flags.write) return err({ code: 'invalid_request', message: '--write goes with a tool: `keyward config init claude --write`.' });
  if (flags.key !== undefined && flags.key !== '-') return err({ code: 'invalid_request', message: 'A key does not belong on the command line, where others can see it: pass `--key -` and give it on standard input.' });
  const key = await readKeyText(cli, server, flags);
  if (key === '') return err({ code: 'invalid_request', message: 'No key was given. `keyward keys create <name>` on the server makes one; pass `--key -` and give it on standard input.' });
  if (/[^\x21-\x7e]/.test(key) || key.length > 4_096) return err({ code: 'invalid_request', message: 'This is no key: it has blanks or other characters that no key has, or is too long.' });
  const vault = await chooseStore(cli);
  if (!vault.ok) return vault;
  const stored = await storeCredential(cli, vault.value, { server, credential: 'key', store: vault.value.store, subject: '', label: '', organization: '' }, flags.context, { key });
  if (!stored.ok || stored.value.replaced === undefined) return stored;
  const { http, close } = openServerHttp(cli);
  await revokeSession(http, stored.value.replaced);
  await close();
  return stored;
}

async function readKeyText(cli: CliProcess, server: string, flags: ConfigInitFlags): Promise<string> {
  if (flags.key === '-' || !cli.stdinIsTerminal) return (await cli.readStdin()).trim();
  cli.stderr.write(`Client key for ${server} (not shown), then Enter: `);
  const lines = cli.openLines({ isHidden: true });
  const line = (await lines.next()) ?? '';
  lines.close();
  cli.stderr.write('\n');
  return line.replaceAll('\u001B[200~', '').replaceAll('\u001B[201~', '').trim();
}

async function setUpTool(cli: CliProcess, tool: ToolName, server: string, flags: ConfigInitFlags): Promise<number> {
  if (flags.key !== undefined) return reportRefusal(cli, flags.json, { code: 'invalid_request', message: '--key goes without a tool: `keyward config init --key -` keeps it, and tools get it by `keyward token`.' });
  const settings = toolSettings(tool, server, cli.home);
  if (flags.write) return writeSettings(cli, tool, settings, flags);
  const { shell, file, page } = settings;
  if (flags.json) {
    cli.stdout.write(`${JSON.stringify({ tool, server, shell, file: file === undefined ? null : { path: file.path, text: file.text } })}\n`);
    return exitCodes.ok;
  }
  if (file !== undefined) cli.stdout.write(`# ${file.path} (or \`keyward config init ${tool} --write\`)\n\n${file.text}`);
  if (shell.length > 0) cli.stdout.write(`${file === undefined ? '' : '\n'}# shell\n\n${shell.join('\n')}\n`);
  cli.stderr.write(`\nModel names and limits of this tool: docs/clients/${page}.md. \`keyward run\` needs none of this.\n`);
  return exitCodes.ok;
}

async function writeSettings(cli: CliProcess, tool: ToolName, { file, shell }: ToolSettings, flags: ConfigInitFlags): Promise<number> {
  if (file === undefined) return reportRefusal(cli, flags.json, { code: 'invalid_request', message: `There is no file to write for ${tool}; leave out --write for the lines of the shell.` });
  const present = readIfThere(file.path);
  const next = present.ok ? file.add(present.value) : present;
  if (!next.ok || !present.ok) return reportRefusal(cli, flags.json, next.ok ? { code: 'storage_unreadable', message: `${file.path} cannot be read.` } : next.error);
  const isChanged = next.value !== present.value;
  if (isChanged) {
    cli.stderr.write(`${present.value === '' ? 'New file' : 'Changes of'} ${file.path}:\n\n${describeChange(present.value, next.value)}\n`);
    if (!flags.yes && !(await confirm(cli, flags))) return exitCodes.usage;
    const written = await write(file.path, next.value, present.value !== '');
    if (!written.ok) return reportRefusal(cli, flags.json, written.error);
  }
  const backup = isChanged && present.value !== '' ? `${file.path}.bak` : null;
  if (flags.json) cli.stdout.write(`${JSON.stringify({ status: 'ok', tool, file: file.path, changed: isChanged, backup })}\n`);
  else cli.stdout.write(isChanged ? `Wrote ${file.path}${backup === null ? '' : `; as it was before it is ${backup}`}.\n` : `${file.path} has it already.\n`);
  if (shell.length > 0 && !flags.json) cli.stdout.write(`It also needs, in the shell:\n\n${shell.join('\n')}\n`);
  return exitCodes.ok;
}

function readIfThere(path: string): Result<string, StoreRefusal> {
  try {
    return ok(readFileSync(path, 'utf8'));
  } catch (thrown) {
    return errorCode(thrown) === 'ENOENT' ? ok('') : err({ code: 'storage_unreadable', message: `${path} cannot be read (${errorCode(thrown)}).` });
  }
}

async function write(path: string, text: string, isThere: boolean): Promise<Result<undefined, StoreRefusal>> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (thrown) {
    return err({ code: 'storage_unwritable', message: `${dirname(path)} cannot be made (${errorCode(thrown)}).` });
  }
  const written = await writeDurably(path, text, isThere ? { generations: 1 } : { expectedHash: 'absent' });
  return written.ok ? written : err({ code: 'storage_unwritable', message: written.error.kind === 'link' ? `${path} is a link and is not written; add the lines to the file that it leads to.` : `${path} cannot be written (${errorCode(written.error.cause) || written.error.kind}).` });
}

/** The lines that go and come; what is only added shows as such. */
function describeChange(before: string, after: string): string {
  const old = before.split('\n');
  const left = [...old];
  const lines = after.split('\n').map((line) => {
    const at = left.indexOf(line);
    if (at < 0) return `+ ${printable(line)}`;
    left.splice(at, 1);
    return undefined;
  });
  return [...left.filter((line) => line.trim() !== '').map((line) => `- ${printable(line)}`), ...lines.filter((line) => line !== undefined && line !== '+ ')].join('\n') + '\n';
}

async function confirm(cli: CliProcess, flags: ConfigInitFlags): Promise<boolean> {
  if (!cli.stdinIsTerminal || flags.json) {
    cli.stderr.write('keyward: writing needs a yes; add --yes where nobody can be asked\n');
    return false;
  }
  cli.stderr.write('Write this? [y/N] ');
  const lines = cli.openLines({ isHidden: false });
  const answer = (await lines.next()) ?? '';
  lines.close();
  const isYes = /^y(?:es)?$/i.test(answer.trim());
  if (!isYes) cli.stderr.write('Nothing was changed.\n');
  return isYes;
}
