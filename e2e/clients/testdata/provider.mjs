// A certified provider, npm's oidc-provider, to compare ours with. Settings come
// on the standard input; it says "ready" when it listens.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.PACKAGES + '/');
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const given = JSON.parse(readFileSync(0, 'utf8'));

const provider = new Provider(given.issuer, {
  clients: given.clients,
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], groups: ['groups'] },
  scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, name: 'Ada Lovelace', email: id + '@example.org', email_verified: true, groups: ['staff'] }),
  }),
  pkce: { required: (_, client) => client.clientId !== 'board' },
  clientBasedCORS: () => true,
  conformIdTokenClaims: false,
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }), generateKeyPairSync('ec', { namedCurve: 'P-256' })].map((pair) => pair.privateKey.export({ format: 'jwk' })) },
  routes: {
    authorization: '/oidc/authorize', token: '/oidc/token', userinfo: '/oidc/userinfo', end_session: '/oidc/end-session', jwks: '/oidc/keys',
    introspection: '/oidc/introspect', revocation: '/oidc/revoke',
  },
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: false },
    dPoP: { enabled: false },
  },
  cookies: { keys: ['a key of the test'] },
});
createServer({ cert: readFileSync(given.cert), key: readFileSync(given.key) }, provider.callback())
  .listen(given.port, '127.0.0.1', () => console.log('ready'));
