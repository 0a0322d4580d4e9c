import { createServer, type RequestListener } from 'node:http';
import { Provider } from 'oidc-provider';
import { announceListening } from '../process/announce.ts';
import { benchClient } from './issue.ts';

/* The library as it comes: its store in memory, opaque tokens, one client. What Keyward adds is measured against it. */

const provider = new Provider('http://localhost', {
  clients: [{ client_id: benchClient.id, client_secret: benchClient.secret, redirect_uris: [], response_types: [], grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic' }],
  features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true } },
  cookies: { keys: ['bench'] },
});
const serve = provider.callback();
const listener: RequestListener = (req, res) => void serve(req, res);
announceListening(createServer(listener));
