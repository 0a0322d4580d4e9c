import type { Config } from '../../config/schema.ts';
import type { DoctorReport, Finding } from './report.ts';

type Upstream = DoctorReport['upstreams'][number];

const publicEndpoints = { 'gemini-api-key': 'https://generativelanguage.googleapis.com', 'claude-api-key': 'https://api.anthropic.com', 'codex-api-key': 'https://api.openai.com/v1', 'vertex-api-key': '' } as const;

/** Every upstream entry of the config, in the file's order by section. */
export function listUpstreams(config: Config): readonly Upstream[] {
  const sections = ['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key'] as const;
  const keyed = sections.flatMap((section) =>
    config[section].map((entry, index) => describeEntry(`${section}.${index}`, section.replace('-api-key', ''), entry['base-url'] || publicEndpoints[section], entry)),
  );
  const legacy = config['generative-language-api-key'].map((_key, index) =>
    describeEntry(`generative-language-api-key.${index}`, 'gemini', publicEndpoints['gemini-api-key'], { prefix: '', models: [], disabled: false }),
  );
  const compatible = config['openai-compatibility'].map((entry, index) => describeEntry(`openai-compatibility.${index}`, entry.name, entry['base-url'], entry));
  return [...keyed, ...legacy, ...compatible];
}

function describeEntry(origin: string, name: string, baseUrl: string, entry: { readonly prefix: string; readonly models: readonly unknown[]; readonly disabled: boolean }): Upstream {
  return { origin, name, base_url: hideUserInfo(baseUrl), prefix: entry.prefix, models: entry.models.length === 0 ? 'any' : String(entry.models.length), disabled: entry.disabled };
}

/** Whether anything could be served at all; `hasLogins` when accounts come by logins. */
export function checkUpstreams(upstreams: readonly Upstream[], hasLogins: boolean): readonly Finding[] {
  if (hasLogins) return [];
  if (upstreams.length === 0) {
    return [{ level: 'warning', code: 'no-upstreams', message: 'No upstream is configured; every model is unknown.', fix: 'Add an entry such as `claude-api-key` or `openai-compatibility` (README.md shows four), or run `keyward accounts login <provider>`.' }];
  }
  if (upstreams.every((upstream) => upstream.disabled)) {
    return [{ level: 'warning', code: 'all-upstreams-disabled', message: 'Every upstream entry is disabled.', fix: 'Remove `disabled: true` from one.' }];
  }
  return [];
}

function hideUserInfo(baseUrl: string): string {
  return baseUrl.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1…@');
}
