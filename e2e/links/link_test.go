package links

import (
	"context"
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// link is a way to a peer that can be made ill.
type link struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := &link{t, toxiproxy.NewProxy(server, "link", "127.0.0.1:0", to)}
	if err := l.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.proxy.Stop)
	return l
}

func (l *link) address() string { return l.proxy.Listen }

// spoil makes the link ill; without toxics it goes down.
func (l *link) spoil(toxics []string) {
	l.t.Helper()
	if toxics == nil {
		l.proxy.Stop()
	}
	for _, one := range toxics {
		if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(one)); err != nil {
			l.t.Fatal(err)
		}
	}
}

// heal makes it well.
func (l *link) heal() {
	l.t.Helper()
	l.proxy.Toxics.ResetToxics(context.Background())
	if !l.proxy.Enabled {
		if err := l.proxy.Start(); err != nil {
			l.t.Fatal(err)
		}
	}
}
