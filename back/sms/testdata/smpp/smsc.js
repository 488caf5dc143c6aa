// An SMSC on npm's smpp. What it does with a message is said by the end of the
// number that it goes to; what it sees it prints, a JSON object a line. With key
// and cert as arguments it speaks TLS.
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const say = (event, more) => console.log(JSON.stringify({event, ...more}));
const secure = process.argv.length > 3 ? {key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[3])} : {};
let last = 6702, tries = {};

// report sends a receipt until it is taken.
function report(session, pdu, receipt) {
	const to = {source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4, ...receipt};
	session.deliver_sm(to, (answer) => {
		say('reported', {status: answer.command_status});
		if (answer.command_status === 0x64) setTimeout(() => report(session, pdu, receipt), 200);
	});
}

const text = (id, stat, err) => 'id:' + String(id).padStart(10, '0') + ' sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:' + stat + ' err:' + err + ' text:nobody reads this';

function submitted(session, pdu) {
	const to = pdu.destination_addr.slice(-3), id = ++last, said = pdu.short_message;
	say('submit', {to: pdu.destination_addr, toKind: pdu.dest_addr_ton, toPlan: pdu.dest_addr_npi, from: pdu.source_addr, fromKind: pdu.source_addr_ton,
		text: said.message, header: said.udh ? Buffer.concat(said.udh).toString('hex') : '' /* without its length */, coding: pdu.data_coding, class: pdu.esm_class,
		receipt: pdu.registered_delivery, life: Math.round((pdu.validity_period - new Date()) / 1000) + ' s'});
	const answer = (status) => session.send(pdu.response(status ? {command_status: status} : {message_id: id.toString(16).toUpperCase()}));
	switch (to) {
	case '101': // a receipt in words, whose name is decimal
		answer();
		return report(session, pdu, {short_message: text(id, 'DELIVRD', '000')});
	case '102': // one in optional fields
		answer();
		return report(session, pdu, {receipted_message_id: id.toString(16), message_state: 5, network_error_code: Buffer.from([3, 0, 1])});
	case '103': // throttled twice
		tries[to] = (tries[to] || 0) + 1;
		return answer(tries[to] > 2 ? 0 : 0x58);
	case '104':
		return answer(0x0b);
	case '105': // the line breaks in the middle of the window
		return session.socket.destroy();
	case '106':
		return; // no answer
	case '107':
		return answer(0x08);
	case '108': // the receipt comes first
		report(session, pdu, {short_message: text(id, 'DELIVRD', '000')});
		return setTimeout(answer, 300);
	case '109': // a person answers, then the line is unbound
		session.deliver_sm({source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, short_message: 'STOP'}, (a) => {
			say('reported', {status: a.command_status});
			session.unbind();
		});
		return answer();
	case '110':
		return answer(0x14);
	}
	answer();
}

const server = smpp.createServer(secure, (session) => {
	session.on('error', () => {});
	session.on('close', () => say('closed', {}));
	session.on('bind_transceiver', (pdu) => {
		const good = pdu.system_id === 'acme' && pdu.password === 'hunter2';
		say('bind', {system: pdu.system_id, type: pdu.system_type, version: pdu.interface_version, good});
		session.send(pdu.response({command_status: good ? 0 : 0x0e, system_id: 'centre'}));
	});
	session.on('submit_sm', (pdu) => submitted(session, pdu));
	session.on('enquire_link', (pdu) => session.send(pdu.response()));
	session.on('unbind', (pdu) => {
		say('unbind', {});
		session.send(pdu.response());
		session.close();
	});
});
server.listen(0, '127.0.0.1', () => say('listening', {port: server.address().port}));
process.stdin.on('end', () => process.exit()).resume(); // ends with the test
