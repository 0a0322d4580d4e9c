import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { spenderHeader } from '../identity-provider/upstream.ts';
import { clientId } from '../identity-provider/token-endpoint.ts';
import { modelName, waitForUrl, type Setting, type Target } from './target.ts';

const binary = resolve(import.meta.dirname, '../../../dist/keyward.mjs');

/** The built daemon; its identity provider is a login of the operator's own. */
export const keyward: Target = {
  title: 'Keyward',
  start: async (children, setting, incarnation) => {
    const configPath = join(setting.folder, 'config.yaml');
    mkdirSync(setting.folder, { recursive: true, mode: 0o700 });
    writeFileSync(configPath, configText(setting), { mode: 0o600 });
    const outputPath = join(setting.folder, `output-${incarnation}.log`);
    const child = children.spawn(process.execPath, [binary, 'serve', '--config', configPath, '--log-level', 'info'], { cwd: setting.folder, env: { HOME: setting.folder, PATH: '' }, outputPath });
    return { child, url: await waitForUrl(child, outputPath) };
  },
};

function configText(setting: Setting): string {
  return `host: "127.0.0.1"
port: 0
api-keys: ["${setting.apiKey}"]
remote-management:
  secret-key: "${setting.managementSecret}"
auth-dir: "${setting.authDir}"
data-dir: "./data"
oauth:
  burn:
    client-id: "${clientId}"
    authorize-url: "${new URL('/authorize', setting.tokenUrl).href}"
    token-url: "${setting.tokenUrl}"
    token-parameters: { daemon: "${setting.name}" }
    base-url: "${setting.upstreamUrl}/v1"
    dialect: openai-chat
    headers: { ${spenderHeader}: "${setting.name}" }
    models: [{ name: "${modelName}" }]
`;
}
