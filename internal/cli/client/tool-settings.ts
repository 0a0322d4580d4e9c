import { join } from 'node:path';
import { applyEdits, modify, parse, type ParseError } from 'jsonc-parser';
import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';

export const toolNames = ['claude', 'codex', 'gemini', 'openai'] as const;
export type ToolName = (typeof toolNames)[number];

/** How a tool is made to talk to a Keyward. */
export interface ToolSettings {
  /** Lines for the shell; empty where the file does it alone. */
  readonly shell: readonly string[];
  /** What goes where; undefined where there is only the shell. */
  readonly file: {
    readonly path: string;
    /** What to write, for reading. */
    readonly text: string;
    /** The file with it, given what it holds now (`''` for none). Errors: `invalid_request`, `conflict`. */
    readonly add: (present: string) => Result<string, StoreRefusal>;
  } | undefined;
  /** Page of docs/clients. */
  readonly page: string;
}

/** Longer than this a tool must not keep what `keyward token` printed: a token has at least a minute left. */
const helperMs = 60_000;

export function toolSettings(tool: ToolName, server: string, home: string): ToolSettings {
  switch (tool) {
    case 'claude':
      return { shell: [], page: 'claude-code', file: jsonFile(join(home, '.claude', 'settings.json'), [[['apiKeyHelper'], 'keyward token'], [['env', 'ANTHROPIC_BASE_URL'], server], [['env', 'CLAUDE_CODE_API_KEY_HELPER_TTL_MS'], String(helperMs)]]) };
    case 'codex':
      return { shell: [], page: 'codex', file: codexFile(join(home, '.codex', 'config.toml'), server) };
    case 'gemini':
      return {
        shell: [`export GOOGLE_GEMINI_BASE_URL="${server}"`, 'export GEMINI_API_KEY="$(keyward token)"      # read at the start; `keyward run gemini` gives it a key for as long as it runs'],
        page: 'gemini-cli',
        file: jsonFile(join(home, '.gemini', 'settings.json'), [[['security', 'auth', 'selectedType'], 'gemini-api-key']]),
      };
    case 'openai':
      return { shell: [`export OPENAI_BASE_URL="${server}/v1"`, 'export OPENAI_API_KEY="$(keyward token)"      # short-lived; `keyward run <program>` gives it a key for as long as it runs'], page: 'python', file: undefined };
  }
}

type Member = readonly [path: readonly string[], value: string];

function jsonFile(path: string, members: readonly Member[]): ToolSettings['file'] {
  return {
    path,
    text: `${JSON.stringify(nested(members), undefined, 2)}\n`,
    add: (present) => {
      let text = present.trim() === '' ? '{}\n' : present;
      const errors: ParseError[] = [];
      const root: unknown = parse(text, errors, { allowTrailingComma: true });
      if (errors.length > 0 || typeof root !== 'object' || root === null || Array.isArray(root)) return err({ code: 'invalid_request', message: `${path} is no valid JSON; put it right first, nothing was changed.` });
      for (const [at, value] of members) {
        const before = at.reduce<unknown>((object, name) => (typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined), root);
        if (before === value) continue;
        if (before !== undefined) return err({ code: 'conflict', message: `${path} has another \`${at.join('.')}\` already, which is left as it is; nothing was changed. Change it yourself to ${JSON.stringify(value)}, or take it out.` });
        text = applyEdits(text, modify(text, [...at], value, { formattingOptions: { insertSpaces: true, tabSize: 2, eol: '\n' } }));
      }
      return ok(text);
    },
  };
}

function nested(members: readonly Member[]): object {
  const root: Record<string, unknown> = {};
  for (const [path, value] of members) {
    let object = root;
    for (const name of path.slice(0, -1)) {
      const inner: Record<string, unknown> = isObject(object[name]) ? object[name] : {};
      object[name] = inner;
      object = inner;
    }
    object[path.at(-1) ?? ''] = value;
  }
  return root;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function codexFile(path: string, server: string): ToolSettings['file'] {
  const choice = 'model_provider = "keyward"\n';
  const table = `[model_providers.keyward]\nname = "Keyward"\nbase_url = "${server}/v1"\nwire_api = "responses"\n\n[model_providers.keyward.auth]\ncommand = "keyward"\nargs = ["token"]\nrefresh_interval_ms = ${helperMs}\n`;
  return {
    path,
    text: `${choice}\n${table}`,
    add: (present) => {
      const [top = ''] = present.split(/^\s*\[/m);
      if (/^\s*\[\s*model_providers\s*\.\s*["']?keyward["']?\s*[.\]]/m.test(present)) return present.includes(table) ? ok(present) : err({ code: 'conflict', message: `${path} has another [model_providers.keyward] already, which is left as it is; nothing was changed. Change it yourself, or take it out.` });
      if (/^\s*model_provider\s*=/m.test(top)) return err({ code: 'conflict', message: `${path} has another \`model_provider\` already, which is left as it is; nothing was changed. Take that line out, or add the table yourself and choose it by \`codex -c model_provider=keyward\`.` });
      // Keys at the top of a TOML file stand before its first table.
      return ok(`${choice}${present === '' ? '' : present.replace(/\n*$/, '\n')}\n${table}`);
    },
  };
}
