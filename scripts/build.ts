import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/*
 * `npm run build`: dist/keyward.mjs, a tiny entry that any Node can parse, and beside it the bundle it loads once the
 * Node is new enough. Split, so that the command line, management and YAML editing load only when they are used.
 */

const root = resolve(import.meta.dirname, '..');
const outdir = join(root, 'dist');

/** Packages CommonJS inside expect `require` and the two directory names, which an ES module has not. */
const commonJsBanner = [
  "import { createRequire as keywardCreateRequire } from 'node:module';",
  "import { fileURLToPath as keywardFileUrlToPath } from 'node:url';",
  'const require = keywardCreateRequire(import.meta.url);',
  "const __filename = keywardFileUrlToPath(import.meta.url), __dirname = keywardFileUrlToPath(new URL('.', import.meta.url));",
].join('\n');

/** Native code cannot be bundled; these stay dependencies of the package, the keychain an optional one. */
const native = ['better-sqlite3', '@node-rs/bcrypt', '@napi-rs/keyring'];

const floor = /(\d+)\.(\d+)/.exec(readEngine());
if (floor === null) throw new TypeError('package.json: engines.node names no version');

// Old Node must be able to parse this file to be told why it is refused: ES2015, no static import.
const entry = `#!/usr/bin/env node
var parts = process.versions.node.split('.');
if (Number(parts[0]) < ${floor[1]} || (Number(parts[0]) === ${floor[1]} && Number(parts[1]) < ${floor[2]})) {
  process.stderr.write('keyward needs Node ${floor[1]}.${floor[2]} or newer, and this is ' + process.version + ' (' + process.execPath + '). Install a current Node from https://nodejs.org and run it again.\\n');
  process.exitCode = 1;
} else if (process.argv[2] === 'token') {
  import('./token.mjs').then(function (token) { if (!token.isPrinted) return main(); });
} else {
  main();
}
function main() {
  return import('node:v8').then(function (v8) {
    // Loading must not make the young generation grow; from then on internal/daemon/young-generation.ts decides.
    v8.setFlagsFromString('--semi-space-growth-factor=1');
    return import('./main.mjs');
  });
}
`;

function readEngine(): string {
  const manifest: { readonly engines: { readonly node: string } } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return manifest.engines.node;
}

const common = {
  absWorkingDir: root,
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  sourcemap: 'linked',
  sourcesContent: false,
  minifySyntax: true,
  external: native,
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** The authorization server's library in a file of its own, which goes by the names of its classes: there they stay as they are. */
const oidcProvider: Plugin = {
  name: 'oidc-provider',
  setup: (build) => build.onResolve({ filter: /^oidc-provider$/ }, () => ({ path: '../oidc-provider.mjs', external: true })),
};

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir);
await build({
  ...common,
  entryPoints: { main: 'cmd/keyward/main.ts' },
  chunkNames: 'chunks/[name]-[hash]',
  legalComments: 'linked',
  banner: { js: commonJsBanner },
  // Its main entry hides its parts from bundlers.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  plugins: [oidcProvider],
});
await build({ ...common, entryPoints: { 'oidc-provider': 'oidc-provider' }, splitting: false, keepNames: true, legalComments: 'linked', banner: { js: commonJsBanner } });
// Apart, so that it is one small file: `keyward token` loads it before every start of a tool.
await build({ ...common, entryPoints: { token: 'cmd/keyward/token.ts' }, chunkNames: 'chunks/token-[name]-[hash]' });
writeFileSync(join(outdir, 'keyward.mjs'), entry);
chmodSync(join(outdir, 'keyward.mjs'), 0o755);
