// What Twilio's own library says. A list of JSON comes in and one goes out:
// {sign: …} gets the signature of a request, {check: …} whether one is good.
const twilio = require('twilio');

let text = '';
process.stdin.on('data', (chunk) => { text += chunk; });
process.stdin.on('end', () => {
  const said = JSON.parse(text).map(({ token, url, params, signature }) => signature === undefined
    ? twilio.getExpectedTwilioSignature(token, url, params)
    : twilio.validateRequest(token, signature, url, params));
  process.stdout.write(JSON.stringify(said));
});
