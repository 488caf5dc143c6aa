// Twilio's own client, pointed at a server of the test: it sends one message.
const twilio = require('twilio');

const { account, token, origin, message } = JSON.parse(process.argv[2]);
class Here extends twilio.RequestClient {
  request(options) {
    return super.request({ ...options, uri: options.uri.replace('https://api.twilio.com', origin) });
  }
}
twilio(account, token, { httpClient: new Here() }).messages.create(message).then(
  (made) => process.stdout.write(JSON.stringify(made.sid)),
  (err) => { process.stderr.write(String(err)); process.exit(1); },
);
