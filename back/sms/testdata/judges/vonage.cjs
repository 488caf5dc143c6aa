// What Vonage's own library says. {claims, secret, alg} is signed by the library
// that it signs with; {token, secret} is checked by its verifySignature.
const { verifySignature } = require('@vonage/jwt');
const jwt = require('jsonwebtoken');

let text = '';
process.stdin.on('data', (chunk) => { text += chunk; });
process.stdin.on('end', () => {
  const said = JSON.parse(text).map(({ claims, token, secret, alg }) => token === undefined
    ? jwt.sign(claims, alg === 'none' ? '' : secret, { algorithm: alg })
    : verifySignature(token, secret));
  process.stdout.write(JSON.stringify(said));
});
