package flow

import (
	"context"
	"testing"

	"sallyport/core/fault"
)

// A portal that is too busy to hash recovery codes in the time of a request says
// so: it is no fault of ours that the person should tell anybody of.
func TestCodesThatAreNotReadyInTimeMeanBusy(t *testing.T) {
	m := &Machine{}
	m.preparing.Store("setup", make(chan struct{}))
	ctx, end := context.WithCancel(t.Context())
	end()
	_, err := m.prepared(ctx, &Setup{ID: "setup"}, nil, Client{})
	if f := fault.Of(err); f == nil || f.Kind != fault.Busy || f.Wait == 0 {
		t.Errorf("it says %v", err)
	}
}
