package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"sallyport/config"
)

// certificate is the pair that tls.cert_file and tls.key_file hold. A renewal
// replaces the files, and new connections get what is in them then.
type certificate struct {
	files [2]string
	log   *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	taken  stamps // of the pair
	looked time.Time
	bad    stamps // of files that were no pair at the last look
	told   bool   // that they are none
}

// stamps tell whether the files are those of before. A file that is not there
// has the zero one.
type stamps [2]struct {
	at   time.Time
	size int64
}

// lookEvery is how often the files are looked at, while there are connections.
const lookEvery = time.Second

func newCertificate(c *config.Config, log *slog.Logger) (*certificate, error) {
	k := &certificate{files: [2]string{c.TLS.CertFile, c.TLS.KeyFile}, log: log, looked: time.Now()}
	k.taken = k.stamps()
	pair, err := tls.LoadX509KeyPair(k.files[0], k.files[1])
	if err != nil {
		hint := "check tls.cert_file and tls.key_file"
		if errors.Is(err, fs.ErrPermission) {
			hint = "give the user that runs the portal a copy of its own: see docs/operate/tls.md"
		}
		return nil, fmt.Errorf("tls: %w; hint: %s", err, hint)
	}
	k.pair = &pair
	return k, nil
}

func (k *certificate) stamps() (s stamps) {
	for i, file := range k.files {
		if info, err := os.Stat(file); err == nil {
			s[i].at, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

// get is for tls.Config.
func (k *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) >= lookEvery {
		k.look()
		k.looked = time.Now()
	}
	return k.pair, nil
}

// look takes the pair of the files when they have changed, and keeps the old one
// when they are none. It says so at the second look: at the first one a renewal
// may just be half done.
func (k *certificate) look() {
	seen := k.stamps()
	if seen == k.taken {
		return
	}
	pair, err := tls.LoadX509KeyPair(k.files[0], k.files[1])
	switch {
	case err == nil:
		k.pair, k.taken = &pair, seen
		k.log.Info("certificate replaced", "file", k.files[0], "until", pair.Leaf.NotAfter.UTC())
	case seen != k.bad:
		k.bad, k.told = seen, false
	case !k.told:
		k.told = true
		k.log.Warn("certificate not replaced, the old one stays", "file", k.files[0], "error", err)
	}
}
