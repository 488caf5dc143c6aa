package server

import (
	"net"
	"os"
)

// notify tells systemd how it goes, where a unit with Type=notify asks for that:
// one datagram to a socket (sd_notify(3)).
func (s *Server) notify(state string) {
	at := os.Getenv("NOTIFY_SOCKET")
	if at == "" {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: at, Net: "unixgram"})
	if err == nil {
		defer c.Close()
		_, err = c.Write([]byte(state))
	}
	if err != nil {
		s.log.Warn("systemd not told", "state", state, "error", err)
	}
}
