# An SMSC on Perl's Net::SMPP, which shares no line with the one on npm's smpp. It
# prints what it sees, a JSON object a line, and ends with the test.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

$| = 1;
my $json = JSON::PP->new->canonical;
sub say_ { my ($event, %more) = @_; print $json->encode({event => $event, %more}), "\n" }

my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, Proto => 'tcp', Listen => 5) or die "listen: $!";
say_('listening', port => $listener->sockport + 0);
my $wait = IO::Select->new($listener, \*STDIN);
my $last = 4095;

# text is a text as we take it: the alphabet is only told by its bytes.
sub hex_ { unpack 'H*', $_[0] }

sub heard {
	my ($line, $pdu) = @_;
	my $cmd = $pdu->{cmd};
	if ($cmd == Net::SMPP::CMD_bind_transceiver) {
		my $good = $pdu->{system_id} eq 'acme' && $pdu->{password} eq 'hunter2';
		say_('bind', system => $pdu->{system_id}, type => $pdu->{system_type}, version => $pdu->{interface_version}, good => $good ? JSON::PP::true : JSON::PP::false);
		$line->bind_transceiver_resp(seq => $pdu->{seq}, system_id => 'centre', status => $good ? 0 : 0x0e);
	} elsif ($cmd == Net::SMPP::CMD_submit_sm) {
		my $id = ++$last;
		say_('submit', to => $pdu->{destination_addr}, toKind => $pdu->{dest_addr_ton}, toPlan => $pdu->{dest_addr_npi}, from => $pdu->{source_addr}, fromKind => $pdu->{source_addr_ton},
			octets => hex_($pdu->{short_message}), coding => $pdu->{data_coding}, class => $pdu->{esm_class}, receipt => $pdu->{registered_delivery}, life => $pdu->{validity_period});
		$line->submit_sm_resp(seq => $pdu->{seq}, message_id => sprintf '%08x', $id);
		return if !$pdu->{registered_delivery};
		my %receipt = $pdu->{destination_addr} =~ /2$/
			? (short_message => '', receipted_message_id => sprintf("%X\0", $id), message_state => pack('C', 3))
			: (short_message => "id:$id sub:001 dlvrd:000 submit date:261125120000 done date:261125120100 stat:REJECTD err:99 text:");
		$line->deliver_sm(source_addr => $pdu->{destination_addr}, destination_addr => $pdu->{source_addr}, esm_class => 4, async => 1, %receipt);
	} elsif ($cmd == Net::SMPP::CMD_deliver_sm_resp) {
		say_('reported', status => $pdu->{status});
	} elsif ($cmd == Net::SMPP::CMD_enquire_link) {
		$line->enquire_link_resp(seq => $pdu->{seq});
	} elsif ($cmd == Net::SMPP::CMD_unbind) {
		say_('unbind');
		$line->unbind_resp(seq => $pdu->{seq});
	}
}

while (my @ready = $wait->can_read) {
	for my $line (@ready) {
		if ($line == $listener) {
			$wait->add($listener->accept);
		} elsif ($line == \*STDIN) {
			exit;
		} elsif (my $pdu = $line->read_pdu) {
			heard($line, $pdu);
		} else {
			say_('closed');
			$wait->remove($line);
			close $line;
		}
	}
}
