package web

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client is where a request came from.
type Client struct {
	Shown string // as people and the log see it
	Limit string // as limits count it: IPv6 by /64; empty when nobody can say
	// Strange says that a peer which is no configured proxy, on this machine or
	// its network, claims to forward for somebody.
	Strange bool
}

// Address says where a request came from. Forwarded headers count only from the
// configured proxies; of a forwarded list the last address that is no proxy
// counts, because everything before it is the browser's own word.
func Address(r *http.Request, proxies []netip.Prefix) Client {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return Client{}
	}
	peer = peer.Unmap().WithZone("")
	forwarded := r.Header.Values("X-Forwarded-For")
	if !within(peer, proxies) {
		claims := len(forwarded) > 0 || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Real-Ip") != ""
		if claims && (peer.IsLoopback() || peer.IsPrivate() || peer.IsLinkLocalUnicast()) {
			// Most likely a proxy that nobody told us of: with its address all
			// people would share one budget.
			return Client{Shown: peer.String(), Strange: true}
		}
		return Client{Shown: peer.String(), Limit: byNetwork(peer)}
	}
	list := strings.Split(strings.Join(forwarded, ","), ",")
	for _, part := range slices.Backward(list) {
		at, ok := named(strings.TrimSpace(part))
		if !ok {
			break // what stands before something unreadable is worth nothing
		}
		if at = at.Unmap().WithZone(""); !within(at, proxies) {
			return Client{Shown: at.String(), Limit: byNetwork(at)}
		}
	}
	return Client{Shown: peer.String(), Limit: byNetwork(peer)}
}

// named is an address, alone or with a port, as some proxies write it.
func named(text string) (at netip.Addr, ok bool) {
	if at, err := netip.ParseAddr(text); err == nil {
		return at, true
	}
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr(), true
	}
	text, open := strings.CutPrefix(text, "[")
	text, closed := strings.CutSuffix(text, "]")
	at, err := netip.ParseAddr(text)
	return at, open && closed && err == nil
}

func within(at netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(at) })
}

// byNetwork is the address as limits count it: whoever has one IPv6 address has
// the 2^64 beside it too.
func byNetwork(at netip.Addr) string {
	if at.Is4() {
		return at.String()
	}
	return netip.PrefixFrom(at, 64).Masked().String()
}
