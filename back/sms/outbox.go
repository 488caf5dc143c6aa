package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"sallyport/core/message"
)

// Line is one text message in the file of an outbox gateway.
type Line struct {
	Time time.Time `json:"time"`
	To   string    `json:"to"` // E.164
	Text string    `json:"text"`
	ID   string    `json:"id"`
}

// Outbox is the gateway that sends nothing: it appends a JSON object a line to a
// file, for tests and demos.
type Outbox struct {
	Label string
	Path  string
	Only  []string         // countries; empty means all
	Now   func() time.Time // of the lines
	Tap   func(line Line)  // sees each line too, or nil

	mu sync.Mutex
}

// Name is the gateway's name in the settings.
func (o *Outbox) Name() string { return o.Label }

// Countries are those that the gateway serves.
func (o *Outbox) Countries() []string { return o.Only }

// Send appends a line. The id of the message is its reference.
func (o *Outbox) Send(_ context.Context, m message.Message) (ref string, err error) {
	line := Line{Time: o.Now().UTC(), To: m.To, Text: m.Text, ID: m.ID}
	raw, err := json.Marshal(line)
	if err != nil {
		return "", fmt.Errorf("outbox: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.Path != "" {
		if err := appendLine(o.Path, append(raw, '\n')); err != nil {
			return "", fmt.Errorf("outbox: %w", err)
		}
	}
	if o.Tap != nil {
		o.Tap(line)
	}
	return m.ID, nil
}

// appendLine appends a line, or none of it: half a line on a full disk would
// spoil the next one too.
func appendLine(path string, line []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if n, err := f.Write(line); err != nil {
		if n > 0 && info.Mode().IsRegular() {
			err = errors.Join(err, f.Truncate(info.Size()))
		}
		return err
	}
	return nil
}
